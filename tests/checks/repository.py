"""A repository with a manifest, and the change that a pull request makes to it"""

import subprocess

BEFORE = """\
version: 1
scope: [alias/app/]
aliases:
  alias/app/billing/db: aaaa1111-0000-4000-8000-000000002025
  alias/app/ledger/sign: eeee5555-0000-4000-8000-000000000005
"""
NEW, NEW_KEY = "alias/app/audit/log", "dddd4444-0000-4000-8000-000000000004"
AFTER = BEFORE + f"  {NEW}: {NEW_KEY}\n  alias/app/legacy/export: absent\n"


class Repository:
    """Its branch main is at BEFORE, and what is checked out is AFTER"""

    def __init__(self, test):
        self.folder = test.folder / "repository"
        self.folder.mkdir()
        person = {"NAME": "a", "EMAIL": "a@example.com"}
        names = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in person.items()}
        self.environment = test.environment(GIT_CONFIG_NOSYSTEM=1, **names)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.base = self.commit(BEFORE)
        self.git("update-ref", "refs/remotes/origin/main", self.base)
        self.head = self.commit(AFTER)

    def git(self, *arguments):
        ran = subprocess.run(["git", *arguments], cwd=self.folder, env=self.environment, check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    def commit(self, manifest):
        (self.folder / "aliases.yaml").write_text(manifest, encoding="utf-8")
        self.git("add", "aliases.yaml")
        self.git("commit", "--quiet", "--message", "change the manifest")
        return self.git("rev-parse", "HEAD")
