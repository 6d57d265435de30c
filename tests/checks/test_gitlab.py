"""The GitLab template to copy: what it is made of, and that its jobs do what they say

They run against the sandbox and a server that keeps notes and takes the token of a job for a role, through gitlab_jobs.py.
"""

import json
import os
import re
import unittest

import gitlab_jobs
from cloud import ACCOUNT, ID_TOKEN, WRITES, Sandbox, Server
from program import PROGRAM, ROOT, InAFolder
from repository import BEFORE, NEW, NEW_KEY, Repository
from test_workflows import MARKER, schema, shellcheck

TEMPLATE = ROOT / "examples/ci/gitlab/kms-alias.gitlab-ci.yml"
JOBS = gitlab_jobs.load(TEMPLATE)
READ_ROLE, WRITE_ROLE = (f"arn:aws:iam::{ACCOUNT}:role/kms-alias-{name}" for name in ("read", "write"))

MERGE_REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_DEFAULT_BRANCH": "main"}
OWN = MERGE_REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42", "CI_PROJECT_ID": "42"}
MERGED = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}


class File(unittest.TestCase):
    def test_the_template_is_as_its_published_schema_says(self):
        ran = schema("vendor.gitlab-ci", TEMPLATE)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_shellcheck_finds_nothing_in_any_script(self):
        for name, job in JOBS.items():
            ran = shellcheck("\n".join([*job["before_script"], *job["script"]]))
            self.assertEqual(ran.returncode, 0, f"{name}\n{ran.stdout}{ran.stderr}")

    def test_each_pipeline_has_the_jobs_that_belong_to_it(self):
        fork = MERGE_REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "77"}
        pipelines = [
            (OWN, {"kms-alias-validate": "on_success", "kms-alias-plan": "on_success"}),
            (fork | {"CI_PROJECT_ID": "77"}, {"kms-alias-validate": "on_success"}),  # in the project of the fork
            (fork | {"CI_PROJECT_ID": "42"}, {"kms-alias-validate": "on_success"}),  # in ours, started by a member
            (MERGED, {"kms-alias-apply": "manual"}),
            (MERGED | {"CI_PIPELINE_SOURCE": "web"}, {"kms-alias-apply": "manual"}),
            (MERGED | {"CI_COMMIT_BRANCH": "other"}, {}),
            (MERGED | {"CI_PIPELINE_SOURCE": "schedule"}, {"kms-alias-drift": "on_success"}),
        ]
        for variables, expected in pipelines:
            self.assertEqual(gitlab_jobs.wanted(JOBS, variables), expected, variables)

    def test_only_the_job_that_writes_asks_for_the_role_that_writes_and_the_one_that_is_offline_for_none(self):
        roles = {name: job["variables"].get("AWS_ROLE_ARN") for name, job in JOBS.items()}
        read, write = "$READ_ROLE", "$WRITE_ROLE"
        self.assertEqual(
            roles, {"kms-alias-validate": None, "kms-alias-plan": read, "kms-alias-apply": write, "kms-alias-drift": read}
        )
        self.assertNotIn("id_tokens", JOBS["kms-alias-validate"])

    def test_an_apply_has_an_environment_runs_alone_and_is_not_interrupted(self):
        apply = JOBS["kms-alias-apply"]
        self.assertEqual((apply["environment"], apply["resource_group"], apply["interruptible"]), ("kms-alias", "kms-alias", False))

    def test_plans_and_receipts_are_not_for_everybody(self):
        for name in ("kms-alias-plan", "kms-alias-apply", "kms-alias-drift"):
            self.assertEqual(JOBS[name]["artifacts"]["access"], "developer", name)


class Jobs(InAFolder):
    def setUp(self):
        super().setUp()
        self.repository, self.sandbox, self.server = Repository(self), Sandbox(self), Server(self)
        self.before = self.sandbox.aliases()
        built = self.repository.folder / ".kms-alias-program" / "bin"
        built.mkdir(parents=True)
        (built / "kms-alias").symlink_to(PROGRAM)

    def environment(self, **variables):
        # The program has to come from the cache of the job.
        return super().environment(**variables) | {"PATH": os.environ["PATH"]}

    def run_job(self, name, **variables):
        place = {
            "CI_PROJECT_DIR": str(self.repository.folder), "CI_PROJECT_ID": "42", "CI_JOB_ID": "5", "CI_COMMIT_SHA": self.repository.head,
            "CI_API_V4_URL": f"{self.server.url}/api/v4", "GITLAB_CI": "true", "GITLAB_TOKEN": WRITES,
        }  # fmt: skip
        urls = {"KMS_ALIAS_ENDPOINT_URL": self.sandbox.url, "AWS_ENDPOINT_URL_STS": f"{self.server.url}/sts/"}
        environment = self.environment(TMPDIR=self.folder, **urls)
        return gitlab_jobs.run(JOBS[f"kms-alias-{name}"], self.repository.folder, environment, place | variables)

    def read(self, name):
        return (self.repository.folder / name).read_text(encoding="utf-8")

    def plan(self):
        number = {"CI_MERGE_REQUEST_IID": "8", "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.repository.base}
        return self.run_job("plan", **number)

    def apply(self, merged=True, **variables):
        sha = self.repository.head
        mine = {"iid": 8, "state": "merged", "merge_commit_sha": sha, "squash_commit_sha": None, "sha": "1" * 40, "milestone": {"iid": 3}}
        others = [mine | {"iid": 6, "state": "opened"}, mine | {"iid": 5, "merge_commit_sha": "0" * 40}]
        self.server.merged[f"/api/v4/projects/42/repository/commits/{sha}/merge_requests"] = others + ([mine] if merged else [])
        return self.run_job("apply", **variables)

    def note(self):
        [body] = self.server.bodies()
        return body

    def approved(self):
        ended = self.plan()
        self.assertEqual(ended.code, 0, ended.log)
        return MARKER.match(self.note())[1]

    def assert_nothing_was_written(self):
        self.assertEqual(self.sandbox.aliases(), self.before)

    def test_the_manifest_is_validated_without_a_role(self):
        ended = self.run_job("validate", KMS_ALIAS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assertEqual(ended.code, 0, ended.log)
        self.assertEqual(self.server.roles, [])

    def test_a_merge_request_gets_one_note_and_the_reports_that_gitlab_reads(self):
        ended = self.plan()
        self.assertEqual(ended.code, 0, ended.log)
        self.assertIn("Comment created.", ended.log)
        self.assertEqual(set(self.server.roles), {READ_ROLE})
        note = self.note()
        self.assertIn(NEW, note)
        self.assertIn("Compared with commit", note)
        artifacts = JOBS["kms-alias-plan"]["artifacts"]
        read = {name: json.loads(self.read(path)) for name, path in artifacts["reports"].items()}
        self.assertEqual(read["terraform"], {"create": 1, "update": 0, "delete": 1})
        self.assertIsInstance(read["codequality"], list)
        [plan] = artifacts["paths"]
        self.assertEqual(json.loads(self.read(plan))["digest"], MARKER.match(note)[1])
        self.assertIn("Comment unchanged.", self.plan().log)
        self.assert_nothing_was_written()

    def test_a_plan_that_fails_ends_as_the_program_does_and_takes_the_digest_away(self):
        self.approved()
        self.repository.head = self.repository.commit(BEFORE + "  alias/other/x: aaaa1111-0000-4000-8000-000000002025\n")
        self.assertEqual(self.plan().code, 3)
        self.assertEqual(MARKER.match(self.note())[1], "null")
        self.assertIn("alias/other/x", self.note())
        self.assertNotIn("section_", self.note())

    def test_a_merge_applies_just_what_was_approved_and_the_note_shows_it(self):
        self.approved()
        self.server.roles.clear()
        ended = self.apply()
        self.assertEqual(ended.code, 0, ended.log)
        self.assertEqual(set(self.server.roles), {WRITE_ROLE})
        expected = {name: key for name, key in self.before.items() if name != "alias/app/legacy/export"} | {NEW: NEW_KEY}
        self.assertEqual(self.sandbox.aliases(), expected)
        self.assertIn("### kms-alias: applied", self.note())
        [receipt] = JOBS["kms-alias-apply"]["artifacts"]["paths"]
        self.assertIn('"end"', self.read(receipt))

    def test_what_has_changed_since_the_approval_is_refused_and_can_be_approved_anew(self):
        digest, note = self.approved(), self.note()
        self.sandbox.kms.create_alias(AliasName=NEW, TargetKeyId="aaaa1111-0000-4000-8000-000000002025")
        self.before = self.sandbox.aliases()
        ended = self.apply()
        self.assertEqual(ended.code, 5, ended.log)
        self.assert_nothing_was_written()
        self.assertEqual(self.note(), note)
        [other] = set(re.findall("sha256:[0-9a-f]{64}", ended.log)) - {digest}
        again = self.apply(EXPECT_DIGEST=other)
        self.assertEqual(again.code, 0, again.log)
        self.assertEqual(self.sandbox.aliases()[NEW], NEW_KEY)

    def test_an_apply_that_is_incomplete_keeps_its_exit_code_and_its_receipt(self):
        self.sandbox = Sandbox(self, "--fault={operation: CreateAlias, effect: access-denied}")
        self.approved()
        ended = self.apply()
        self.assertEqual(ended.code, 6, ended.log)
        self.assertIn("apply failed or is incomplete", self.note())
        [receipt] = JOBS["kms-alias-apply"]["artifacts"]["paths"]
        self.assertIn('"end"', self.read(receipt))
        self.assert_nothing_was_written()

    def test_what_nobody_approved_is_not_applied(self):
        self.approved()
        ended = self.apply(merged=False)
        self.assertEqual(ended.code, 1)
        self.assertIn("no merge request ends in commit", ended.log)
        self.server.comments.clear()
        ended = self.apply()
        self.assertEqual(ended.code, 1)
        self.assertIn("failed to find the comment", ended.log)
        self.assert_nothing_was_written()

    def test_a_token_that_may_not_write_notes_fails_the_job_and_hides_no_worse_exit_code(self):
        token = {"GITLAB_TOKEN": "another-token-0123456789", "CI_MERGE_REQUEST_IID": "8"}
        base = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": self.repository.base}
        self.assertEqual(self.run_job("plan", **token, **base).code, 1)
        self.repository.commit("version: 2\n")
        self.assertEqual(self.run_job("plan", **token, **base).code, 3)

    def test_drift_is_told_by_the_exit_code_and_by_junit(self):
        self.approved()
        self.assertEqual(self.apply().code, 0)
        self.server.roles.clear()
        clean = self.run_job("drift")
        self.assertEqual(clean.code, 0, clean.log)
        self.assertEqual(set(self.server.roles), {READ_ROLE})
        self.sandbox.kms.delete_alias(AliasName=NEW)
        self.before = self.sandbox.aliases()
        self.assertEqual(self.run_job("drift").code, 2)
        junit = JOBS["kms-alias-drift"]["artifacts"]["reports"]["junit"]
        self.assertIn(NEW, self.read(junit))
        self.assert_nothing_was_written()

    def test_the_program_is_built_from_its_lock_file_at_the_given_commit_and_elsewhere_than_in_the_repository(self):
        tools, program = self.folder / "tools", self.repository.folder / ".kms-alias-program"
        tools.mkdir()
        (program / "bin" / "kms-alias").unlink()
        cargo = tools / "cargo"
        cargo.write_text(f'#!/bin/sh\necho "cargo $* in $(pwd)"\nln -s "{PROGRAM}" "{program}/bin/kms-alias"\n', encoding="utf-8")
        cargo.chmod(0o755)
        ended = self.run_job("validate", PATH=os.pathsep.join([str(tools), os.environ["PATH"]]))
        self.assertEqual(ended.code, 0, ended.log)
        source = "--git https://HOST/OWNER/kms-alias.git --rev " + "0" * 40
        self.assertIn(f"cargo install --locked {source} --root {program} kms-alias in /\n", ended.log)

    def test_a_program_that_was_committed_is_not_run(self):
        (self.repository.folder / ".kms-alias-program" / "bin" / "other").write_text("x", encoding="utf-8")
        self.repository.git("add", "--force", ".kms-alias-program/bin/other")
        for name in ("validate", "apply"):
            ended = self.run_job(name)
            self.assertEqual(ended.code, 1)
            self.assertIn("take .kms-alias-program out of the repository", ended.log)
        self.assertEqual(self.server.roles, [])

    def test_the_token_of_the_job_is_for_its_owner_alone(self):
        job = JOBS["kms-alias-plan"] | {"script": ['stat -c %a "$AWS_WEB_IDENTITY_TOKEN_FILE"; cat "$AWS_WEB_IDENTITY_TOKEN_FILE"']}
        place = {"CI_PROJECT_DIR": str(self.repository.folder), "CI_JOB_ID": "5", "CI_MERGE_REQUEST_IID": "8", "TMPDIR": str(self.folder)}
        ended = gitlab_jobs.run(job, self.repository.folder, self.environment(), place)
        self.assertEqual(ended.log, f"600\n{ID_TOKEN}")


if __name__ == "__main__":
    unittest.main()
