"""The GitHub Action and the workflows to copy: what they are made of, and that their steps do what they say

Their jobs run against the sandbox and a server that keeps comments, through github_jobs.py.
"""

import json
import os
import re
import stat
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

from cloud import ACCOUNT, Sandbox, Server
from github_jobs import OURS, Expression, Runner, Unknown, load, parse
from program import PROGRAM, ROOT, InAFolder
from repository import AFTER, BEFORE, NEW, NEW_KEY, Repository

ACTION = ROOT / "action.yml"
EXAMPLES = sorted((ROOT / "examples/ci/github").glob("*.yml"))
OWN = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS = [*EXAMPLES, *OWN]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
MARKER = re.compile(r'<!-- kms-alias:v1 .*"digest":"?(null|sha256:[0-9a-f]{64})')


def schema(name, *files):
    """By the published schema, which comes with check-jsonschema"""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def shellcheck(script):
    command = [str(SHELLCHECK), "--shell", "bash", "--severity", "style", "-"]
    return subprocess.run(command, input=script, capture_output=True, text=True, encoding="utf-8")


def steps(path):
    document = load(path)
    if path == ACTION:
        return document["runs"]["steps"]
    return [step for job in document["jobs"].values() for step in job["steps"]]


class Files(unittest.TestCase):
    def test_the_action_and_the_workflows_are_as_their_published_schemas_say(self):
        self.assertEqual((len(EXAMPLES), len(OWN)), (3, 1))
        for name, files in (("vendor.github-actions", [ACTION]), ("vendor.github-workflows", WORKFLOWS)):
            ran = schema(name, *files)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_shellcheck_finds_nothing_in_any_script(self):
        scripts = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "ci").glob("*.sh"))}
        self.assertIn("github.sh", scripts)
        for path in (ACTION, *WORKFLOWS):
            scripts |= {f"{path.name}, {i}": step["run"] for i, step in enumerate(steps(path)) if "run" in step}
        for place, script in scripts.items():
            ran = shellcheck(script)
            self.assertEqual(ran.returncode, 0, f"{place}\n{ran.stdout}{ran.stderr}")

    def test_no_expression_is_inside_of_a_script(self):
        for path in (ACTION, *WORKFLOWS):
            for step in steps(path):
                self.assertNotIn("${{", step.get("run", ""), path)

    def test_every_job_has_just_the_permissions_that_it_says(self):
        allowed = {
            "validate": {"contents": "read"},
            "plan": {"contents": "read", "id-token": "write", "pull-requests": "write"},
            "apply": {"contents": "read", "id-token": "write", "pull-requests": "write"},
            "drift": {"contents": "read", "id-token": "write", "security-events": "write"},
            "check": {"contents": "read"},
            "build": {"contents": "read"},
            "release": {"contents": "write", "id-token": "write", "attestations": "write"},
        }
        found = {}
        for path in WORKFLOWS:
            workflow = load(path)
            self.assertEqual(workflow["permissions"], {}, path)
            found |= {name: job["permissions"] for name, job in workflow["jobs"].items()}
        self.assertEqual(found, allowed)

    def test_no_workflow_runs_with_secrets_what_a_stranger_wrote(self):
        for path in WORKFLOWS:
            workflow = load(path)
            self.assertLessEqual(workflow["on"].keys(), {"pull_request", "push", "schedule", "workflow_dispatch"}, path)
            # Comments aside, no secret is named: AWS takes the token of the job.
            self.assertNotIn("secrets.", yaml.safe_dump(workflow), path)
            for step in steps(path):
                if step.get("uses", "").startswith("actions/checkout@"):
                    self.assertEqual(step["with"]["persist-credentials"], False, path)
                    self.assertNotIn("ref", step["with"], path)

    def test_an_apply_waits_for_an_environment_and_is_never_cancelled_by_the_next(self):
        workflow = load(ROOT / "examples/ci/github/apply.yml")
        self.assertEqual(workflow["jobs"]["apply"]["environment"], "kms-alias")
        self.assertEqual(workflow["concurrency"], {"group": "kms-alias-apply", "cancel-in-progress": False})

    def test_the_workflows_use_our_action_with_inputs_that_it_has(self):
        inputs = load(ACTION)["inputs"]
        used = [step for path in EXAMPLES for step in steps(path) if step.get("uses", "").startswith(OURS + "@")]
        self.assertEqual([step["with"]["command"] for step in used], ["apply", "drift", "validate", "plan"])
        for step in used:
            self.assertLessEqual(step["with"].keys(), inputs.keys())

    def test_what_the_action_runs_can_be_run(self):
        for path in (ROOT / "ci").iterdir():
            self.assertTrue(path.stat().st_mode & stat.S_IXUSR, path)


class Page(unittest.TestCase):
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")

    def test_what_the_page_leads_to_is_there(self):
        links = re.findall(r"\]\((?!https:)([^)#]+)", self.page)
        self.assertGreater(len(links), 6)
        for link in links:
            self.assertTrue((ROOT / "docs" / link).is_file(), link)

    def test_its_trust_policy_is_json_and_has_both_claims(self):
        [text] = re.findall("```json policy\n(.*?)```", self.page, re.DOTALL)
        [statement] = json.loads(text)["Statement"]
        claims = {name.rpartition(":")[2] for name in statement["Condition"]["StringEquals"]}
        self.assertEqual(claims, {"aud", "sub"})

    def test_its_hooks_and_outputs_are_those_that_there_are(self):
        hooks = [hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))]
        self.assertEqual(set(re.findall(r"kms-alias-(?:validate|fmt)[\w-]*", self.page)), set(hooks))
        [outputs] = re.findall("The action has the outputs (.*?);", self.page, re.DOTALL)
        self.assertEqual(re.findall("`(.*?)`", outputs), list(load(ACTION)["outputs"]))


class TheRunner(unittest.TestCase):
    """What the checks below stand on"""

    def evaluated(self, text):
        contexts = {"github": {"actor": "o'neill", "empty": ""}, "env": {"ROLE": "r"}}
        return Expression(text, contexts, {"always": lambda: True}).evaluate()

    def test_expressions_are_as_github_evaluates_them(self):
        for text, value in (
            ("github.actor == 'O''Neill'", True),
            ("github.actor != 'x' && env.ROLE", "r"),
            ("github.empty || 'default'", "default"),
            ("!github.empty && ('a' == 'b' || env.ROLE == 'r')", True),
            ("always() && github.empty != ''", False),
        ):
            self.assertEqual(self.evaluated(text), value, text)

    def test_what_it_does_not_know_is_an_error(self):
        for text in ("github.nothing", "secrets.X", "fromJSON('1')", "github.actor ==", "github.actor github.actor", "a[0]"):
            self.assertRaises(Unknown, self.evaluated, text)
        self.assertRaises(Unknown, parse, "no output\n")

    def test_outputs_may_have_several_lines(self):
        self.assertEqual(parse("a=b=c\nlong<<END\nx=1\ny\nEND\nd=\n"), {"a": "b=c", "long": "x=1\ny", "d": ""})


class Jobs(InAFolder):
    def setUp(self):
        super().setUp()
        self.repository, self.sandbox, self.server = Repository(self), Sandbox(self), Server(self)
        self.before = self.sandbox.aliases()

    def environment(self, **variables):
        # The program has to come from the cache of the action.
        return super().environment(**variables) | {"PATH": os.environ["PATH"]}

    def runner(self, event_name, event, **github):
        temp = self.folder / f"runner {len(list(self.folder.iterdir()))}"
        temp.mkdir()
        urls = {"KMS_ALIAS_ENDPOINT_URL": self.sandbox.url, "GITHUB_API_URL": self.server.url}
        return Runner(self.repository.folder, temp, self.environment(**urls), event_name, event, **github)

    def pull_request(self, change=lambda jobs: None, repository="o/r", **github):
        event = {"pull_request": {"number": 7, "head": {"repo": {"full_name": repository}}}}
        place = {"base_ref": "main", "ref": "refs/pull/7/merge", "sha": self.repository.head}
        workflow = load(ROOT / "examples/ci/github/pull-request.yml")
        change(workflow["jobs"])
        return self.runner("pull_request", event, **place | github).run(workflow)

    def apply(self, merged=True, digest=None):
        sha = self.repository.head
        pull = {"number": 7, "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": sha}
        other = {"number": 6, "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": "0" * 40}
        still_open = {"number": 5, "merged_at": None, "merge_commit_sha": sha}
        found = [still_open, other, pull] if merged else [still_open, other]
        self.server.merged[f"/repos/o/r/commits/{sha}/pulls"] = found
        name, event = ("push", {}) if digest is None else ("workflow_dispatch", {"inputs": {"digest": digest}})
        runner = self.runner(name, event, ref="refs/heads/main", sha=sha)
        return runner.run(load(ROOT / "examples/ci/github/apply.yml"))["apply"]

    def drift(self):
        runner = self.runner("schedule", {}, ref="refs/heads/main", sha=self.repository.head)
        return runner.run(load(ROOT / "examples/ci/github/drift.yml"))["drift"]

    def comment(self):
        [body] = self.server.bodies()
        return body

    def approved(self):
        self.assertEqual(self.pull_request()["plan"].conclusion, "success")
        return MARKER.match(self.comment())[1]

    def assert_nothing_was_written(self):
        self.assertEqual(self.sandbox.aliases(), self.before)

    def test_a_pull_request_gets_one_comment_with_the_digest_of_its_plan(self):
        first = self.pull_request()
        self.assertEqual({name: job.conclusion for name, job in first.items()}, {"validate": "success", "plan": "success"})
        self.assertEqual(first["validate"].roles, [])
        self.assertEqual(first["plan"].roles, [f"arn:aws:iam::{ACCOUNT}:role/kms-alias-read"])
        self.assertIn("Comment created.", first["plan"].log)
        comment = self.comment()
        self.assertIn(NEW, comment)
        self.assertIn("Compared with commit", comment)
        self.assertRegex(MARKER.match(comment)[1], "sha256")
        outputs = first["plan"].outputs["plan"]
        counts = {"exit-code": "2", "changes": "2", "deletes": "1", "held": "0", "refused": "false", "unread-targets": "0"}
        self.assertEqual({name: outputs[name] for name in counts}, counts)
        self.assertEqual(outputs["digest"], MARKER.match(comment)[1])
        self.assertIn(NEW, first["plan"].summary)
        self.assertEqual(json.loads(Path(outputs["plan"]).read_text(encoding="utf-8"))["digest"], MARKER.match(comment)[1])
        again = self.pull_request()
        self.assertIn("Comment unchanged.", again["plan"].log)
        self.assertEqual(self.comment(), comment)
        self.assert_nothing_was_written()

    def test_a_plan_with_changes_succeeds_and_a_plan_that_fails_ends_as_the_program_does_and_takes_the_digest_away(self):
        self.approved()
        self.repository.head = self.repository.commit(BEFORE + "  alias/other/x: aaaa1111-0000-4000-8000-000000002025\n")
        ended = self.pull_request()
        self.assertEqual({name: job.conclusion for name, job in ended.items()}, {"validate": "failure", "plan": "skipped"})
        self.assertEqual(ended["validate"].codes[-1], 3)
        # What the job that plans says of it by itself, as where the checks before it are taken out
        plan = self.pull_request(lambda jobs: [jobs["plan"].pop("needs"), jobs.pop("validate")])["plan"]
        self.assertEqual((plan.conclusion, plan.codes[-1]), ("failure", 3))
        self.assertRegex(plan.log, "(?m)^::error .*file=aliases.yaml,line=6")
        self.assertEqual(MARKER.match(self.comment())[1], "null")
        self.assertIn("alias/other/x", self.comment())
        self.assertNotRegex(self.comment(), "(?m)^::")

    def test_a_plan_that_a_guard_refuses_fails_the_job_and_its_apply(self):
        self.repository.head = self.repository.commit(AFTER + "protect: [{match: 'alias/app/legacy/**', from: [delete]}]\n")
        plan = self.pull_request()["plan"]
        self.assertEqual((plan.conclusion, plan.codes[-1], plan.outputs["plan"]["exit-code"]), ("failure", 4, "4"))
        self.assertEqual(plan.outputs["plan"]["refused"], "true")
        self.assertIn("### kms-alias: the plan is refused", self.comment())
        self.assertEqual(self.apply().conclusion, "failure")
        self.assert_nothing_was_written()

    def test_a_comment_that_cannot_be_written_fails_the_job_and_one_that_nobody_wants_is_not(self):
        read_only = self.pull_request(lambda jobs: jobs["plan"]["permissions"].pop("pull-requests"))["plan"]
        self.assertEqual((read_only.conclusion, read_only.codes[-1]), ("failure", 1))
        self.assertEqual(read_only.outputs["plan"]["exit-code"], "2")
        self.assertIn("pull-requests: write", read_only.log)
        without = self.pull_request(lambda jobs: jobs["plan"]["steps"][-1]["with"].update(comment=False))["plan"]
        self.assertEqual((without.conclusion, self.server.bodies()), ("success", []))

    def test_a_pull_request_from_a_fork_is_validated_and_nothing_else(self):
        for strange in ({"repository": "stranger/r"}, {"actor": "dependabot[bot]"}):
            ended = self.pull_request(**strange)
            self.assertEqual({name: job.conclusion for name, job in ended.items()}, {"validate": "success", "plan": "skipped"})
        self.assertEqual(self.server.bodies(), [])

    def test_a_merge_applies_just_what_was_approved_and_the_comment_shows_it(self):
        self.approved()
        ended = self.apply()
        self.assertEqual(ended.conclusion, "success", ended.log)
        self.assertEqual(ended.roles, [f"arn:aws:iam::{ACCOUNT}:role/kms-alias-write"])
        expected = {name: key for name, key in self.before.items() if name != "alias/app/legacy/export"} | {NEW: NEW_KEY}
        self.assertEqual(self.sandbox.aliases(), expected)
        self.assertIn("### kms-alias: applied", self.comment())
        self.assertEqual(MARKER.match(self.comment())[1], "null")
        [receipt] = ended.uploads
        self.assertIn('"end"', receipt)
        self.assertEqual(ended.outputs["apply"]["exit-code"], "0")
        self.assertIn("applied", ended.summary)

    def test_what_has_changed_since_the_approval_is_refused_and_can_be_approved_anew(self):
        digest = self.approved()
        comment = self.comment()
        self.sandbox.kms.create_alias(AliasName=NEW, TargetKeyId="aaaa1111-0000-4000-8000-000000002025")
        self.before = self.sandbox.aliases()
        ended = self.apply()
        self.assertEqual((ended.conclusion, ended.codes[-1]), ("failure", 5))
        self.assertEqual(ended.outputs["apply"]["exit-code"], "5")
        self.assert_nothing_was_written()
        self.assertEqual((self.comment(), ended.uploads), (comment, []))
        # By hand, with the digest that the log has
        [other] = set(re.findall("sha256:[0-9a-f]{64}", ended.log)) - {digest}
        again = self.apply(digest=other)
        self.assertEqual(again.conclusion, "success", again.log)
        self.assertEqual(self.sandbox.aliases()[NEW], NEW_KEY)

    def test_an_apply_that_is_incomplete_keeps_its_exit_code_and_its_receipt_and_the_rest_is_approved_by_hand(self):
        self.sandbox = Sandbox(self, "--fault={operation: CreateAlias, times: 1, effect: access-denied}")
        self.approved()
        ended = self.apply()
        self.assertEqual((ended.conclusion, ended.outputs["apply"]["exit-code"]), ("failure", "6"), ended.log)
        self.assertEqual(len(ended.uploads), 1)
        self.assertIn("### kms-alias: apply failed or is incomplete", self.comment())
        self.assert_nothing_was_written()
        self.assertEqual(self.apply().codes[-1], 1, "the comment has no digest any more")
        [left] = set(re.findall("sha256:[0-9a-f]{64}", self.drift().log))
        self.assertEqual(self.apply(digest=left).conclusion, "success")
        self.assertEqual(self.sandbox.aliases()[NEW], NEW_KEY)

    def test_what_nobody_approved_is_not_applied(self):
        self.approved()
        ended = self.apply(merged=False)
        self.assertEqual((ended.conclusion, ended.codes[-1]), ("failure", 1))
        self.assertIn("no merged pull request ends in commit", ended.log)
        self.server.comments.clear()
        ended = self.apply()
        self.assertEqual((ended.conclusion, ended.codes[-1]), ("failure", 1))
        self.assertIn("failed to find the comment", ended.log)
        self.assert_nothing_was_written()

    def test_a_digest_by_somebody_else_approves_nothing(self):
        self.approved()
        for comments in self.server.comments.values():
            comments[0]["user"] = {"id": 2, "login": "stranger"}
        self.assertEqual(self.apply().conclusion, "failure")
        self.assert_nothing_was_written()

    def test_drift_is_told_by_the_exit_code_and_by_sarif(self):
        self.approved()
        self.assertEqual(self.apply().conclusion, "success")
        clean = self.drift()
        self.assertEqual((clean.conclusion, clean.outputs["drift"]["exit-code"]), ("success", "0"))
        self.assertEqual(clean.roles, [f"arn:aws:iam::{ACCOUNT}:role/kms-alias-read"])
        self.sandbox.kms.delete_alias(AliasName=NEW)
        self.before = self.sandbox.aliases()
        drifted = self.drift()
        self.assertEqual((drifted.conclusion, drifted.codes[-1]), ("failure", 2))
        self.assertEqual(drifted.outputs["drift"]["exit-code"], "2")
        self.assertEqual(drifted.outputs["drift"]["changes"], "1")
        self.assertIn(NEW, drifted.summary)
        [sarif] = drifted.uploads
        [result] = json.loads(sarif)["runs"][0]["results"]
        self.assertIn(NEW, result["message"]["text"])
        self.assert_nothing_was_written()

    def test_inputs_are_words_and_never_a_script(self):
        (self.repository.folder / "two words.yaml").write_text(BEFORE, encoding="utf-8")
        workflow = load(ROOT / "examples/ci/github/drift.yml")
        given = {"command": "validate", "manifest": "two words.yaml\n", "args": "$(touch made)\n"}
        workflow["jobs"]["drift"]["steps"] = [{"uses": OURS + "@x", "with": given}]
        runner = self.runner("schedule", {}, ref="refs/heads/main", sha=self.repository.head)
        ended = runner.run(workflow)["drift"]
        self.assertEqual(ended.codes[-1], 64)
        self.assertIn("$(touch made)", ended.log)
        self.assertFalse((self.repository.folder / "made").exists())
        del given["args"]
        self.assertEqual(runner.run(workflow)["drift"].conclusion, "success")

    def test_without_a_cache_the_action_builds_itself_from_its_lock_file(self):
        tools = self.folder / "tools"
        tools.mkdir()
        cargo = tools / "cargo"
        # In place of the minutes that it takes: what it is told, and a program where it should put it.
        cargo.write_text(
            "#!/bin/sh\nset -e\n"
            'echo "cargo $* in $(pwd)"\n'
            'while [ "$1" != --root ]; do shift; done\nmkdir -p "$2/bin"\n'
            f'ln -s "{PROGRAM}" "$2/bin/kms-alias"\n',
            encoding="utf-8",
        )
        cargo.chmod(0o755)
        runner = self.runner("schedule", {}, ref="refs/heads/main", sha=self.repository.head)
        runner.cached = False
        runner.environment["PATH"] = os.pathsep.join([str(tools), os.environ["PATH"]])
        (self.repository.folder / "aliases.yaml").write_text(BEFORE, encoding="utf-8")
        ended = runner.run(load(ROOT / "examples/ci/github/drift.yml"))["drift"]
        self.assertIn(f"cargo install --locked --path . --root {runner.temp}/kms-alias-action in {ROOT}\n", ended.log)
        self.assertEqual(ended.conclusion, "success", ended.log)


if __name__ == "__main__":
    unittest.main()
