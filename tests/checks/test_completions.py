"""What bash is told to complete, asked as bash asks: the script is sourced, and the function that it registers is called."""

import re
import subprocess
import unittest

from program import PROGRAM, ROOT

ASK = """
source <("$1" completions bash)
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
COMP_TYPE=9
last=$3
shift 3
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
function=$(complete -p kms-alias | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
PATH="$PROGRAMS:$PATH" "$function" kms-alias "$last" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(line):
    """What takes the place of the last piece of this line: bash breaks words at = : and @ too, and the last begins with an @ before it"""
    pieces = re.findall(r"[=:@]+|[^\s=:@]+", line) + [""] * line.endswith(" ")
    last = re.search(r"@?[^\s=:@]*$", line).group()
    command = ["bash", "--norc", "-c", ASK.replace("$PROGRAMS", str(PROGRAM.parent)), "bash", PROGRAM, line, last, *pieces]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return [word.strip() for word in ran.stdout.splitlines()]


class Completions(unittest.TestCase):
    def test_commands_flags_targets_and_aliases_are_offered(self):
        for line, expected in {
            "kms-alias pl": ["plan"],
            "kms-alias plan --det": ["--detailed-exitcode"],
            "kms-alias plan -t prod/111122223333/eu": ["prod/111122223333/eu-west-1"],
            "kms-alias plan --target=prod/111122223333/eu": ["prod/111122223333/eu-west-1"],
            "kms-alias plan -t @li": ["@live"],
            "kms-alias plan --target=@li": ["@live"],
            "kms-alias plan --output=": ["text", "diff", "json", "markdown", "ndjson", "html", "tsv"],
            "kms-alias list --output=": ["text", "json", "tsv"],
            "kms-alias doctor -o ": ["text", "json"],
            "kms-alias list --alias alias/app/aud": ["alias/app/audit/log"],
            "kms-alias explain alias/app/leg": ["alias/app/legacy/export"],
            "kms-alias explain -f no-such-file.yaml alias/app/leg": [],
        }.items():
            with self.subTest(line):
                self.assertEqual([word for word in offered(line) if word], expected)

    def test_every_shell_has_a_script_that_asks_this_program(self):
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"]:
            ran = subprocess.run([PROGRAM, "completions", shell], capture_output=True, text=True, timeout=60, check=True)
            self.assertIn("KMS_ALIAS_COMPLETE", ran.stdout, shell)
            self.assertIn("kms-alias", ran.stdout, shell)


if __name__ == "__main__":
    unittest.main()
