"""What a real terminal is given: progress drawn over itself that leaves nothing behind, and plain lines where a drawing would be kept"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import unittest

from program import PROGRAM, ROOT, InAFolder

ERASE = "\r\x1b[2K"


class Terminal(InAFolder):
    def setUp(self):
        super().setUp()
        shutil.copy(ROOT / "aliases.yaml", self.folder)

    def shown(self, columns, *arguments, typed=b"", **variables):
        """All that the program writes to a terminal that is so wide, where somebody types"""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environment = self.environment(**({"TERM": "xterm-256color"} | variables))
        process = subprocess.Popen(
            [PROGRAM, *arguments], cwd=self.folder, env=environment, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        os.write(master, typed)
        written = b""
        # Linux tells the end of the other side as an error.
        while chunk := self.read(master):
            written += chunk
        process.wait()
        return written.decode()

    @staticmethod
    def read(master):
        try:
            return os.read(master, 65536)
        except OSError:
            return b""

    @staticmethod
    def left(written):
        """What stands on the terminal at the end, where no line is wider than it"""
        lines = [line.split(ERASE)[-1].rstrip("\r") for line in written.split("\n")]
        return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", "\n".join(lines))

    def test_progress_is_drawn_over_itself_and_leaves_nothing_behind(self):
        for columns in (40, 100):
            written = self.shown(columns, "plan", "--sandbox", "--latency", "2s")
            first, last = written.index("reading targets"), written.rindex(ERASE)
            self.assertGreater(written.count(ERASE), 3)
            self.assertEqual(written[first:last].count("\n"), 0, written)
            for line in written[:last].split(ERASE):
                self.assertLess(len(self.left(line)), columns, line)
            self.assertNotIn("reading targets", self.left(written))
            self.assertIn("Plan: ", self.left(written))

    def test_nothing_is_drawn_into_the_log_of_a_job(self):
        written = self.shown(100, "plan", "--sandbox", "--latency", "2s", CI="true")
        self.assertNotIn("\x1b[2K", written)
        self.assertIn("\nreading targets: ", "\n" + written)

    def test_a_terminal_that_knows_only_letters_gets_only_letters(self):
        for variables in ({"TERM": "dumb"}, {"TERM": ""}):
            written = self.shown(100, "plan", "--sandbox", "--latency", "2s", **variables)
            self.assertNotIn("\x1b", written)
            self.assertIn("reading targets: ", written)

    def test_what_follows_the_end_of_the_input_stands_on_a_line_of_its_own(self):
        written = self.shown(400, "apply", "--sandbox", typed=b"\x04")
        self.assertRegex(self.left(written), r"\): ?\n+Declined: ")


if __name__ == "__main__":
    unittest.main()
