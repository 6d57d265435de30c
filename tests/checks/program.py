"""The real program, as the checks run it: in a folder of its own, with nothing of this machine's environment."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# tests/run.py knows where it has been built; without it nothing here can be tested, which is an error and no reason to skip.
PROGRAM = Path(os.environ["KMS_ALIAS_TEST_PROGRAM"])


class InAFolder(unittest.TestCase):
    """A test with an empty folder, which is gone afterwards"""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kms-alias-check-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def environment(self, **variables):
        """What a process gets; the program is on its PATH"""
        path = os.pathsep.join([str(PROGRAM.parent), os.environ.get("PATH", "")])
        alone = {"PATH": path, "HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true"}
        return alone | {name: str(value) for name, value in variables.items()}

    def run_in_folder(self, *command, **variables):
        """Runs a command to its end"""
        command = [str(word) for word in command]
        environment = self.environment(**variables)
        return subprocess.run(
            command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8"
        )

    def kms_alias(self, *arguments, expect=0, **variables):
        """Runs the program, which must end with this exit code"""
        ran = self.run_in_folder(PROGRAM, *arguments, **variables)
        self.assertEqual(ran.returncode, expect, f"{arguments}\n{ran.stdout}\n{ran.stderr}")
        return ran
