"""The hooks of pre-commit, which pre-commit itself runs when something is committed"""

import os
import shutil
import subprocess
import sys
import unittest

import yaml

from program import PROGRAM, ROOT, InAFolder
from repository import BEFORE, Repository

BAD = BEFORE + "  alias/other/x: aaaa1111-0000-4000-8000-000000002025\n"
CARGO = """\
#!/bin/sh
# In place of the minutes that it takes: what it is told, and a program where it should put it.
echo "$* in $(pwd)" >> "$HOME/built.txt"
echo "Compiling a crate" >&2
while [ "$1" != --root ]; do shift; done
mkdir -p "$2/bin"
ln -s "$KMS_ALIAS_TEST_PROGRAM" "$2/bin/kms-alias"
"""


class Hooks(InAFolder):
    def setUp(self):
        super().setUp()
        self.repository = Repository(self)
        self.ours = self.folder / "kms-alias"
        self.ours.mkdir()
        # Of what is here, committed or not, what the hooks need.
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", self.ours)
        shutil.copytree(ROOT / "ci", self.ours / "ci")
        self.git("init", "--quiet", folder=self.ours)
        self.git("add", ".", folder=self.ours)
        self.git("commit", "--quiet", "--message", "hooks", folder=self.ours)
        self.revision = self.git("rev-parse", "HEAD", folder=self.ours).stdout.strip()
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "cargo").write_text(CARGO, encoding="utf-8")
        (tools / "cargo").chmod(0o755)
        self.path = os.pathsep.join([str(tools), os.environ["PATH"]])

    def git(self, *arguments, folder=None, expect=0, path=None):
        environment = self.repository.environment | {"KMS_ALIAS_TEST_PROGRAM": str(PROGRAM)} | ({"PATH": path} if path else {})
        command = ["git", *arguments]
        ran = subprocess.run(
            command, cwd=folder or self.repository.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, expect, f"{arguments}\n{ran.stdout}\n{ran.stderr}")
        return ran

    def install(self, hook, **settings):
        hooks = [{"id": hook} | settings]
        config = {"repos": [{"repo": str(self.ours), "rev": self.revision, "hooks": hooks}]}
        (self.repository.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self.git("add", ".pre-commit-config.yaml")
        command = [sys.executable, "-m", "pre_commit", "install"]
        subprocess.run(command, cwd=self.repository.folder, env=self.repository.environment, check=True, capture_output=True)

    def commit(self, manifest, name="aliases.yaml", expect=0, path=None):
        file = self.repository.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(manifest, encoding="utf-8")
        self.git("add", name)
        return self.git("commit", "--message", "change it", expect=expect, path=path).stderr

    def assert_it_checks(self, path):
        said = self.commit(BAD, expect=1, path=path)
        self.assertIn("Failed", said)
        self.assertNotIn("Compiling", said)
        self.assertIn("`alias/other/x` is outside the scope", said)
        self.assertIn("aliases.yaml:6:3", said)
        self.assertIn("Passed", self.commit(BEFORE, path=path))

    def test_the_manifest_is_what_pre_commit_takes(self):
        command = [sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"]
        ran = self.run_in_folder(*command)
        self.assertEqual(ran.returncode, 0, ran.stdout)

    def test_a_manifest_with_a_mistake_is_not_committed_by_those_who_have_the_program(self):
        self.install("kms-alias-validate-system")
        self.assert_it_checks(self.environment()["PATH"])

    def test_a_manifest_is_formatted_when_it_is_committed(self):
        self.install("kms-alias-fmt-system")
        path = self.environment()["PATH"]
        said = self.commit(BEFORE.replace(": ", ":   "), expect=1, path=path)
        self.assertIn("files were modified by this hook", said)
        self.assertEqual((self.repository.folder / "aliases.yaml").read_text(encoding="utf-8"), BEFORE)
        self.assertIn("Passed", self.commit(BEFORE, path=path))

    def test_those_who_have_rust_get_the_program_built_once_from_its_lock_file(self):
        self.install("kms-alias-validate")
        self.assert_it_checks(self.path)
        [built] = (self.folder / "built.txt").read_text(encoding="utf-8").splitlines()
        self.assertRegex(built, r"^install --locked --path \. --root (/.*/repo[^/]*)/ci/\.\./target/pre-commit in \1$")

    def test_those_who_have_no_rust_are_told(self):
        bare = self.folder / "bare"
        bare.mkdir()
        for tool in ("bash", "dirname"):
            (bare / tool).symlink_to(shutil.which(tool))
        ran = self.run_in_folder(shutil.which("bash"), self.ours / "ci" / "pre-commit.sh", PATH=bare)
        self.assertEqual(ran.returncode, 1)
        self.assertEqual(ran.stderr, "there is no cargo to build kms-alias with: install Rust, https://rustup.rs\n")

    def test_other_files_are_no_concern_of_the_hook(self):
        self.install("kms-alias-validate-system")
        said = self.commit("scope: none of ours\n", name="other/aliases.yaml", path=self.environment()["PATH"])
        self.assertIn("(no files to check)Skipped", said)

    def test_a_manifest_elsewhere_is_checked_as_a_whole_whichever_of_its_files_is_committed(self):
        self.install("kms-alias-validate-system", args=["--file=live"], files="^live/")
        path = self.environment()["PATH"]
        self.assertIn("Passed", self.commit(BEFORE, name="live/a.yaml", path=path))
        twice = "aliases:\n  alias/app/ledger/sign: eeee5555-0000-4000-8000-000000000005\n"
        said = self.commit(twice, name="live/b.yaml", expect=1, path=path)
        self.assertIn("live/a.yaml", said)
        self.assertIn("live/b.yaml", said)


if __name__ == "__main__":
    unittest.main()
