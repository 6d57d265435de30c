"""That docs/public-api.txt lists the items that rustdoc finds public, no more and no fewer; their signatures are for a review to see"""

import os
import re
import subprocess
import unittest
from pathlib import Path

from program import ROOT

LISTED = ROOT / "docs" / "public-api.txt"
# What stands in front of an item's path, and how rustdoc calls the page of such an item.
KINDS = {"struct": "struct", "enum": "enum", "trait": "trait", "fn": "fn", "type": "type", "const": "constant"}


class Library(unittest.TestCase):
    def test_the_list_has_every_public_item(self):
        # Beside what .ci/run documents, or what is there of it if the settings of this machine name another place.
        target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
        subprocess.run(["cargo", "doc", "--locked", "--no-deps", "--lib", "--quiet"], cwd=ROOT, check=True)
        page = (Path(target) / "doc" / "kms_alias" / "all.html").read_text(encoding="utf-8")
        documented = {f"{kind} {path}" for kind, path in re.findall(r'<a href="(?:[\w/]+/)?(\w+)\.\w+\.html">([\w:]+)</a>', page)}
        listed = set()
        for line in LISTED.read_text(encoding="utf-8").splitlines():
            found = re.match(r"pub (?:async |const )?(struct|enum|trait|fn|type|const) kms_alias::([\w:]+)", line)
            # Methods, and constants of types, have the name of their type before their own.
            of_type = found and (re.search(r"::[A-Z]\w*::", "::" + found[2]) or re.match(r"<[^(]*>::", line[found.end() :]))
            if found and not of_type:
                listed.add(f"{KINDS[found[1]]} {found[2].rstrip(':')}")
        self.assertGreater(len(documented), 300)
        self.assertEqual(sorted(documented - listed), [], "not in the list: CONTRIBUTING.md says how it is made")
        # What is public under a second name has its page under the first.
        ends = {item.rpartition("::")[2] for item in documented}
        gone = [item for item in listed - documented if item.rpartition("::")[2] not in ends]
        self.assertEqual(sorted(gone), [], "only in the list")


if __name__ == "__main__":
    unittest.main()
