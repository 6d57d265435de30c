"""That the program which the other checks run is the one of this tree"""

import unittest

from program import ROOT, InAFolder


class Program(InAFolder):
    def test_it_is_of_this_version(self):
        manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
        version = next(line.split('"')[1] for line in manifest.splitlines() if line.startswith("version = "))
        self.assertEqual(self.kms_alias("--version").stdout, f"kms-alias {version}\n")


if __name__ == "__main__":
    unittest.main()
