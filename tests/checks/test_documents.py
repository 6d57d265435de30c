"""Every fenced block of README, CONTRIBUTING and docs is of a kind that is checked here, so that none can say what is not so

`console`: typed into a shell, and what comes of it is compared with what the page shows. The blocks of a page are one session: they share a
folder, which begins with aliases.yaml and examples/. A line `...` stands for lines that a page leaves out; ids of requests, events and
commits, times of day and how long something took are whatever they are. Every command ends with 0, but for those whose exit codes the block
declares, in their order: `console exit 2 64`.
`sh`: commands that show nothing. They are typed too, and must succeed, but for those of NOT_TYPED.
`yaml`: a manifest, or a part of one, which is then put into the smallest whole. `yaml github`, `yaml gitlab`, `yaml pre-commit`: a whole
file of theirs.
`json policy`: a policy of IAM, or a statement of one.
"""

import json
import re
import shutil
import subprocess
import sys
import unittest

import yaml

from program import ROOT, InAFolder
from test_workflows import schema, shellcheck

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^( *)(```+|~~~+)([^`]*)$")
# What is another one each time.
ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
VOLATILE = [
    (re.compile(rf"request {ID}"), "request ID"),
    (re.compile(rf"with aws-sdk-rust/[0-9.]+ \(event {ID}\)"), "with THE SDK (event ID)"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"after \d+\.\d s \(\d+ (reads|listings)\)"), "after SOME TIME"),
    (re.compile(r"\bnot before [0-9.]+ s\b"), "not before SOME TIME"),
    (re.compile(r"\b(since|declared at) [0-9a-f]{10}\b"), r"\1 COMMIT"),
]
# How the commands of `sh` begin that are not typed, and why. They are read by shellcheck, and those of ours by tests/suite/documents.rs.
NOT_TYPED = {
    "bash .ci/run": "is what runs this",
    "cargo": "compiles, and runs for minutes what the tests run anyway",
    "PROPTEST_CASES=3000 cargo": "likewise",
    "docker": "takes a daemon; test_docker.py has what can be told without one",
    "export SOURCE_DATE_EPOCH=": "is for a build of the release",
    "grep -o 'terraform state rm": "takes Terraform, and a state of one's own",
    "git checkout vX.Y.Z": "is for a build of the release",
    "kms-alias apply -y --expect-digest": "asks a forge for the comment of a pull request",
    "KMS_ALIAS_TEST_PROGRAM=": "is what runs this",
    "kubectl": "takes a cluster",
    "cd examples/kubernetes": "is where kubectl begins",
    "mkdir -p target/fuzz": "is where the fuzzer begins, which takes a nightly compiler",
    "cp target/tmp/manifests/NAME.txt": "has a name to fill in",
    "python3 benches/run.py": "takes a quarter of an hour, and test_benches.py runs it with less",
    "python3 tests/run.py": "is what runs this",
    "sha256sum": "takes a build of the release",
}


def fences(page):
    """The fenced blocks of a page, as (kind, text), without the indentation that they have in a list"""
    found, lines = [], iter(page.splitlines())
    for line in lines:
        if opening := FENCE.match(line):
            indentation, mark, kind = opening.groups()
            text = []
            while (line := next(lines)).strip() != mark:  # where it has no end, the page has none either
                text.append(line.removeprefix(indentation))
            found.append((kind.strip(), "".join(f"{line}\n" for line in text)))
    return found


def commands(block, prompt=""):
    """The commands of a block and what each shows: (command, lines)"""
    found, lines = [], iter(block.splitlines())
    for line in lines:
        if not line.startswith(prompt):
            found[-1][1].append(line)
            continue
        command, end = [line.removeprefix(prompt)], re.search(r"<<'(\w+)'", line)
        while end and command[-1] != end[1]:
            command.append(next(lines))
        while not end and command[-1].endswith("\\"):
            command.append(next(lines))
        found.append(("\n".join(command), []))
    return found


def is_typed(command):
    return command and not command.startswith(("#", *NOT_TYPED))


def exits(kind):
    """The exit codes other than 0 that a block declares, or None where it is of another kind"""
    declared = re.fullmatch(r"console(?: exit((?: [1-9]\d*)+))?", kind)
    return declared and [int(code) for code in (declared[1] or "").split()]


def sessions(page):
    """The blocks of a page that are typed: the commands, what each shows (lines, or None where that is not said), and the exit codes but 0"""
    typed = []
    for kind, block in fences(page):
        if exits(kind) is not None:
            typed.append((commands(block, "$ "), exits(kind)))
        if kind == "sh":
            typed.append(([(command, None) for command, _ in commands(block) if is_typed(command)], []))
    return typed


# What is told only where something takes longer than a second.
PROGRESS = re.compile(r"^(applying changes|reading targets): ")


def steady(text):
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.splitlines() if not PROGRESS.match(line)]


def is_alike(shown, came):
    """Whether the lines that came are those that are shown, where `...` may stand for any"""
    if not shown:
        return not came
    if shown[0] == "...":
        return any(is_alike(shown[1:], came[at:]) for at in range(len(came) + 1))
    return bool(came) and shown[0] == came[0] and is_alike(shown[1:], came[1:])


# What a part of a manifest is put into: its lines, unless the part has them.
WHOLE = {
    "version": "version: 1",
    "scope": "scope: [alias/app/, alias/data/]",
    "targets": 'targets: {prod: {account: "111122223333", region: us-east-1, groups: [live]}}',
    "aliases": "aliases: {}",
}


def whole_manifest(part):
    """The manifest that a block is, or is a part of"""
    if all(name.startswith("alias/") for name in yaml.safe_load(part)):
        part = "aliases:\n" + part
    missing = [line for word, line in WHOLE.items() if word not in yaml.safe_load(part)]
    return "\n".join([*missing, part])


def scripts(document):
    """What the jobs of a workflow of GitHub's, or of GitLab's, run"""
    jobs = document.get("jobs", document).values()
    return ["\n".join([step["run"] for step in job.get("steps", []) if "run" in step] + job.get("script", [])) for job in jobs]


class Documents(InAFolder):
    def type(self, command, folder):
        return subprocess.run(
            ["bash", "--norc", "-c", command],
            cwd=folder,
            env=self.environment(XDG_STATE_HOME=folder / "state"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
        )

    def test_every_session_shows_what_comes_of_it(self):
        count = 0
        for page in PAGES:
            folder = self.folder / page.stem
            (folder / "docs").mkdir(parents=True)
            shutil.copy(ROOT / "aliases.yaml", folder)
            shutil.copytree(ROOT / "examples", folder / "examples")
            for block, declared in sessions(page.read_text(encoding="utf-8")):
                ended = []
                for command, shown in block:
                    count += 1
                    with self.subTest(f"{page.name}: {command}"):
                        ran = self.type(command, folder)
                        ended.append((ran.returncode, command))
                        if shown is None:
                            self.assertEqual(ran.returncode, 0, ran.stdout)
                            continue
                        shown, came = steady("\n".join(shown)), steady(ran.stdout)
                        self.assertTrue(is_alike(shown, came), "the page:\n{}\nwhat came:\n{}".format("\n".join(shown), "\n".join(came)))
                failed = [(code, command) for code, command in ended if code]
                with self.subTest(f"{page.name}: exit codes", declared=declared):
                    self.assertEqual([code for code, _ in failed], declared, failed)
        self.assertGreater(count, 50, "the pages show nothing any more")

    def test_every_block_is_of_a_kind_that_is_checked(self):
        seen = set()
        for page in PAGES:
            for kind, text in fences(page.read_text(encoding="utf-8")):
                with self.subTest(f"{page.name}: {text[:60]}"):
                    self.check(kind, text)
                    seen.add("console" if exits(kind) is not None else kind)
        self.assertEqual(seen, {"console", "sh", *self.CHECKS}, "a kind that no page has any more")
        for kind in ("", "text", "json", "console now", "console exit", "console exit 0"):
            with self.assertRaises(AssertionError):
                self.check(kind, "Applied: 1 created\n")

    def test_nothing_is_left_untyped_that_no_page_has(self):
        scripts = [text for page in PAGES for kind, text in fences(page.read_text(encoding="utf-8")) if kind == "sh"]
        lines = [command for script in scripts for command, _ in commands(script)]
        for beginning in NOT_TYPED:
            with self.subTest(beginning):
                self.assertTrue(any(line.startswith(beginning) for line in lines))

    def check(self, kind, text):
        kinds = ("sh", *self.CHECKS)
        self.assertTrue(kind in kinds or exits(kind) is not None, "nothing is known of blocks of this kind, so they may show anything")
        if kind == "sh":
            self.lint(text)
        if kind in self.CHECKS:
            file = self.folder / ("block.json" if kind.startswith("json") else "block.yaml")
            file.write_text(text, encoding="utf-8")
            self.CHECKS[kind](self, file, text)

    def succeed(self, ran):
        self.assertEqual(ran.returncode, 0, ran.stdout + (ran.stderr or ""))

    def lint(self, script):
        """A script by shellcheck, which may be a few lines to be typed"""
        self.succeed(shellcheck("# shellcheck disable=SC2155,SC2164\n" + script))

    def check_manifest(self, file, text):
        file.write_text(whole_manifest(text), encoding="utf-8")
        self.kms_alias("validate", "--file", file)

    def check_workflow(self, file, text):
        self.succeed(schema("vendor.github-workflows", file))
        self.check_scripts(text)

    def check_pipeline(self, file, text):
        self.succeed(schema("vendor.gitlab-ci", file))
        self.check_scripts(text)

    def check_scripts(self, text):
        """That the jobs have good scripts, with flags that our commands have"""
        for script in scripts(yaml.safe_load(text)):
            script = re.sub(r"\$\{\{.*?\}\}", "1", script)
            self.lint(script)
            for command, arguments in re.findall(r"kms-alias ([a-z-]+)([^\n;|>]*)", script):
                page = self.kms_alias(command, "--help").stdout
                for flag in re.findall(r"--[a-z-]+", arguments):
                    self.assertRegex(page, rf"{flag}(?![\w-])", f"kms-alias {command}")

    def check_hooks(self, file, text):
        self.succeed(self.run_in_folder(sys.executable, "-m", "pre_commit", "validate-config", file))

    def check_policy(self, file, text):
        """That the program itself reads it as a policy"""
        policy = json.loads(text)
        policy = policy if "Statement" in policy else {"Version": "2012-10-17", "Statement": [policy]}
        file.write_text(json.dumps(policy), encoding="utf-8")
        self.kms_alias("plan", "--sandbox", "--access", "--access-policy", file, "--file", ROOT / "aliases.yaml")
        for statement in policy["Statement"]:
            self.assertLessEqual({"Effect", "Action"}, statement.keys())
            self.assertLessEqual(statement.keys(), {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})
            self.assertIn(statement["Effect"], ("Allow", "Deny"))
            for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
                self.assertRegex(action, r"^(kms|sts):[A-Z]\w+$")

    CHECKS = {
        "yaml": check_manifest,
        "yaml github": check_workflow,
        "yaml gitlab": check_pipeline,
        "yaml pre-commit": check_hooks,
        "json policy": check_policy,
    }

    def test_a_page_that_shows_something_else_is_found_out(self):
        self.assertTrue(is_alike(["a", "...", "d"], ["a", "b", "c", "d"]))
        self.assertFalse(is_alike(["a", "...", "d"], ["a", "b", "c"]))
        self.assertFalse(is_alike([], ["a"]))
        page = "```console\n$ cat <<'X'\na\nX\nb\n$ c \\\n  d\n```\n- in a list\n\n  ```sh\n  ls\n  cargo test\n  ```\n"
        self.assertEqual(sessions(page), [([("cat <<'X'\na\nX", ["b"]), ("c \\\n  d", [])], []), ([("ls", None)], [])])
        self.assertEqual([exits(kind) for kind in ("console", "console exit 2 64", "sh")], [[], [2, 64], None])


if __name__ == "__main__":
    unittest.main()
