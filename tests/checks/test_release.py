"""What a release is made of: the list of dependencies, the archives, the workflow that makes them, and the package

The scripts of ci/ are run as the workflow runs them. What they print is read by others: CycloneDX' own library, tar, sha256sum, bash, groff.
"""

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from program import ROOT, InAFolder

sys.path.insert(0, str(ROOT / "ci"))
import dependencies

EPOCH = "1700000000"


def run(*command, **variables):
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH} | variables
    ran = subprocess.run(list(map(str, command)), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    if ran.returncode != 0:
        raise AssertionError(f"{command} ended with {ran.returncode}\n{ran.stderr.decode()}")
    return ran.stdout


def script(name, *arguments, **variables):
    return run(sys.executable, "-B", ROOT / "ci" / name, *arguments, **variables)


class Licences(unittest.TestCase):
    def test_the_page_is_what_the_script_prints(self):
        printed = script("dependencies.py", "licences").decode()
        page = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
        self.assertEqual(page, printed, "run `python3 ci/dependencies.py licences > docs/licences.md`")

    def test_a_licence_is_allowed_if_one_of_its_choices_is_allowed_whole(self):
        for expression, permitted in (
            ("MIT", True),
            ("GPL-3.0-only", False),
            ("GPL-3.0-only OR MIT", True),
            ("MIT AND GPL-3.0-only", False),
            ("MIT OR GPL-3.0-only AND GPL-2.0-only", True),
            ("(MIT OR GPL-3.0-only) AND ISC", True),
            ("ISC AND (GPL-2.0-only OR GPL-3.0-only)", False),
            ("MIT WITH Some-exception", False),
            ("MIT WITH Some-exception OR ISC", True),
        ):
            self.assertEqual(dependencies.permits(expression, {"MIT", "ISC"}), permitted, expression)

    def test_what_is_no_expression_is_an_error(self):
        for expression in ("", "MIT OR", "(MIT", "MIT ISC", "MIT)", "MIT WITH"):
            with self.assertRaises(ValueError, msg=expression):
                dependencies.permits(expression, {"MIT"})

    def test_a_crate_without_a_licence_or_under_another_one_fails(self):
        for said, told in ((None, "a 1.0 says no licence"), ("GPL-3.0-only", "deny.toml does not allow"), ("MIT OR", "no SPDX")):
            with self.assertRaisesRegex(dependencies.Unfit, told):
                dependencies.licence({"name": "a", "version": "1.0", "license": said}, {"MIT"})
        self.assertEqual(dependencies.licence({"name": "a", "version": "1.0", "license": "MIT/Apache-2.0"}, {"MIT"}), "MIT OR Apache-2.0")

    def test_the_allowed_are_those_of_deny_toml(self):
        self.assertEqual(dependencies.allowed(), {"Apache-2.0", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0"})
        with mock.patch.object(dependencies, "allowed", lambda: {"MIT"}), self.assertRaisesRegex(dependencies.Unfit, "deny.toml"):
            dependencies.crates()

    def test_every_crate_is_in_the_texts_and_no_text_is_there_twice(self):
        head, *rest = script("dependencies.py", "texts").decode().split(dependencies.RULE + "\n")
        places, texts = rest[::2], rest[1::2]
        self.assertEqual(len(texts), len(set(texts)))
        named = re.findall(r"^(\S+) (\S+): ", head + "".join(places), re.MULTILINE)
        self.assertEqual(set(named), set(dependencies.others()))
        [apache] = [text for place, text in zip(places, texts) if re.search("^aws-sdk-kms .*: LICENSE$", place, re.MULTILINE)]
        self.assertIn("Version 2.0, January 2004", apache)
        # What a crate took over from others is deeper in its folder.
        self.assertTrue(any(re.search("^ring .*: third_party/fiat/LICENSE$", place, re.MULTILINE) for place in places))


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = script("dependencies.py", "sbom").decode()
        cls.document = json.loads(cls.text)

    def test_it_is_as_cyclonedx_wants_it(self):
        validator = JsonStrictValidator(SchemaVersion.V1_6)
        self.assertIsNone(validator.validate_str(self.text))
        self.assertIsNotNone(validator.validate_str(self.text.replace('"library"', '"book"', 1)))
        bom = Bom.from_json(self.document)
        self.assertTrue(bom.validate())
        self.assertEqual(len(bom.components), len(self.document["components"]))

    def test_it_is_the_same_every_time_but_for_the_time_that_it_is_told(self):
        self.assertEqual(script("dependencies.py", "sbom", PYTHONHASHSEED="1", TZ="Asia/Tokyo").decode(), self.text)
        later = json.loads(script("dependencies.py", "sbom", SOURCE_DATE_EPOCH="1700000001"))
        self.assertEqual(self.document["metadata"]["timestamp"], "2023-11-14T22:13:20Z")
        self.assertEqual(later["metadata"].pop("timestamp"), "2023-11-14T22:13:21Z")
        self.assertEqual(later, {**self.document, "metadata": {"component": self.document["metadata"]["component"]}})
        with self.assertRaisesRegex(AssertionError, "SOURCE_DATE_EPOCH is not set"):
            script("dependencies.py", "sbom", SOURCE_DATE_EPOCH="")

    def test_every_component_is_a_crate_of_the_lock_file_with_its_checksum(self):
        lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
        for component in self.document["components"]:
            url = PackageURL.from_string(component["purl"])
            self.assertEqual((url.type, url.name, url.version), ("cargo", component["name"], component["version"]))
            [digest] = component["hashes"]
            entry = f'name = "{url.name}"\nversion = "{url.version}"\nsource = '
            self.assertIn(digest["content"], lock.split(entry)[1].split("[[package]]")[0])

    def test_the_program_needs_what_cargo_toml_says_and_everything_is_needed_by_something(self):
        needs = {each["ref"]: each["dependsOn"] for each in self.document["dependencies"]}
        root = self.document["metadata"]["component"]["bom-ref"]
        self.assertEqual(needs.keys(), {component["bom-ref"] for component in self.document["components"]} | {root})
        reached, left = {root}, [root]
        while left:
            new = set(needs[left.pop()]) - reached
            reached |= new
            left += new
        self.assertEqual(reached, needs.keys())
        [package] = json.loads(run("cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"))["packages"]
        direct = {each["name"] for each in package["dependencies"] if each["kind"] != "dev"}
        self.assertEqual({PackageURL.from_string(ref).name for ref in needs[root]}, direct)

    def test_it_has_what_other_systems_need_and_nothing_that_only_tests_need(self):
        names = {component["name"] for component in self.document["components"]}
        self.assertLessEqual({"windows-sys", "core-foundation", "ring", "cc"}, names)
        lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
        for name in ("proptest", "yaml_serde", "aws-lc-sys"):
            self.assertIn(f'name = "{name}"', lock)
            self.assertNotIn(name, names)


if __name__ == "__main__":
    unittest.main()
