"""docs/problems.md has every code that the program can tell of a manifest, each with what it says"""

import re
import subprocess
import sys
import unittest

from program import ROOT

PAGE = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
CODE = re.compile(r'Problem::(?:error|warning)\(\s*"([a-z-]+)"')


class Problems(unittest.TestCase):
    maxDiff = None

    def test_the_page_is_what_the_script_prints(self):
        printed = subprocess.run([sys.executable, ROOT / "ci" / "problems.py"], stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
        self.assertEqual(PAGE, printed.stdout, "run `python3 ci/problems.py > docs/problems.md`")

    def test_the_page_has_every_code_of_the_source(self):
        written = set()
        for path in (ROOT / "src").rglob("*.rs"):
            written.update(CODE.findall(path.read_text(encoding="utf-8")))
        told = set(re.findall(r"^\| `([a-z-]+)`", PAGE, re.MULTILINE))
        self.assertGreater(len(written), 50)
        self.assertEqual(sorted(written - told), [])
