"""What a release is made of: the list of dependencies, the archives, the workflow that makes them, and the package

The scripts of ci/ are run as the workflow runs them. What they make is read by others: CycloneDX' own library, tar, sha256sum, bash,
groff.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

import yaml
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from program import PROGRAM, ROOT, InAFolder

sys.path.insert(0, str(ROOT / "ci"))
import dependencies
import release

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


def version():
    return re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]


class Archive(InAFolder):
    linux, windows = "x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"
    pages = [f"man/kms-alias{page}.1" for page in ("", "-apply", "-comment", "-doctor", "-drift", "-explain", "-iam-policy", "-plan")]

    def setUp(self):
        super().setUp()
        # Packing does not care what the program is, and a small one is packed sooner.
        self.small = self.folder / "small program"
        self.small.write_bytes(b"\x7fELF and so on")

    def archive(self, target, program, out="out", **variables):
        out = self.folder / out
        arguments = ["--target", target, "--program", program, "--runnable", PROGRAM, "--out", out]
        return Path(script("release.py", "archive", *arguments, **variables).decode().strip())

    def unpacked(self, path):
        self.assertEqual(self.run_in_folder("tar", "-xzf", path).returncode, 0)
        return self.folder / path.name.removesuffix(".tar.gz")

    def assert_it_is_whole(self, names, program):
        [place] = {name.split("/")[0] for name in names}
        inside = {name.removeprefix(f"{place}/") for name in names}
        pages = {name for name in inside if name.startswith("man/")}
        self.assertLessEqual(set(self.pages), pages)
        completions = {"kms-alias.bash", "kms-alias.elv", "kms-alias.fish", "_kms-alias", "_kms-alias.ps1"}
        texts = {"README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs/licences.md", "THIRD-PARTY-LICENCES.txt"}
        self.assertEqual(inside - pages, {program, *texts, *(f"completions/{name}" for name in completions)})

    def test_it_has_the_program_that_runs_and_all_that_belongs_to_it(self):
        path = self.archive(self.linux, PROGRAM)
        self.assertEqual(path.name, f"kms-alias-{version()}-{self.linux}.tar.gz")
        place = self.unpacked(path)
        files = [str(file.relative_to(self.folder)) for file in place.rglob("*") if file.is_file()]
        self.assert_it_is_whole(files, "kms-alias")
        self.assertEqual(self.run_in_folder(place / "kms-alias", "--version").stdout, f"kms-alias {version()}\n")
        self.assertEqual((place / "THIRD-PARTY-LICENCES.txt").read_bytes(), script("dependencies.py", "texts"))
        self.assertEqual((place / "docs/licences.md").read_bytes(), (ROOT / "docs/licences.md").read_bytes())
        self.assertEqual({file.stat().st_mode & 0o777 for file in place.rglob("*.*") if file.is_file()}, {0o644})

    def test_that_for_windows_is_a_zip(self):
        path = self.archive(self.windows, self.small)
        self.assertEqual(path.name, f"kms-alias-{version()}-{self.windows}.zip")
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            self.assert_it_is_whole(archive.namelist(), "kms-alias.exe")
            self.assertEqual(archive.read(f"{path.stem}/kms-alias.exe"), self.small.read_bytes())

    def test_it_has_the_same_bytes_whoever_makes_it_and_when(self):
        for target in (self.linux, self.windows):
            first = self.archive(target, self.small)
            os.utime(self.small, (1, 1))
            self.small.chmod(0o600)
            others = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1", "KMS_ALIAS_REGION": "eu-west-1", "COLUMNS": "40", "LC_ALL": "C"}
            second = self.archive(target, self.small, "another place", **others)
            self.assertEqual(first.read_bytes(), second.read_bytes(), target)
            third = self.archive(target, self.small, SOURCE_DATE_EPOCH=str(int(EPOCH) + 2))
            self.assertNotEqual(third.read_bytes(), second.read_bytes(), target)

    def test_sha256sum_finds_it_as_it_was_made(self):
        path = self.archive(self.linux, self.small)
        wanted = subprocess.run(["sha256sum", path.name], cwd=path.parent, check=True, capture_output=True).stdout
        self.assertEqual(path.with_name(f"{path.name}.sha256").read_bytes(), wanted)
        check = ["sha256sum", "--check", f"{path.name}.sha256"]
        self.assertEqual(subprocess.run(check, cwd=path.parent, capture_output=True).returncode, 0)
        path.write_bytes(path.read_bytes() + b"\0")
        self.assertNotEqual(subprocess.run(check, cwd=path.parent, capture_output=True).returncode, 0)

    def test_bash_takes_its_completions_and_every_shell_has_some(self):
        place = self.unpacked(self.archive(self.linux, self.small))
        for path in (place / "completions").iterdir():
            self.assertIn("kms-alias", path.read_text(encoding="utf-8"), path)
        sourced = 'set -eu; source "$1"; complete -p kms-alias'
        ran = self.run_in_folder("bash", "--norc", "-c", sourced, "bash", place / "completions/kms-alias.bash")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertRegex(ran.stdout, "^complete .*kms-alias\n$")

    def test_its_manual_pages_are_pages(self):
        place = self.unpacked(self.archive(self.linux, self.small))
        for path in sorted((place / "man").iterdir()):
            text = path.read_text(encoding="utf-8")
            self.assertRegex(text, rf"(?m)^\.TH {path.stem} 1 ")
            self.assertRegex(text, r"(?m)^\.SH NAME$")
            # Not on every machine; what is wrong with a page as a whole is seen above.
            if shutil.which("groff"):
                ran = self.run_in_folder("groff", "-k", "-man", "-ww", "-z", "-Tutf8", path)
                self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "", ""), path)


class Check(InAFolder):
    def changelog(self, text):
        (self.folder / "CHANGELOG.md").write_text(text, encoding="utf-8")
        return mock.patch.object(release, "ROOT", self.folder)

    def notes(self, text):
        with self.changelog("# Changelog\n\n" + text):
            return release.notes("1.2.3")

    def test_the_notes_are_the_section_of_the_version(self):
        before, after = "## [Unreleased]\n\n- new\n\n", "## [1.2.2] - 2026-01-01\n\n- old\n"
        section = "## [1.2.3] - 2026-02-03\n\n### Added\n\n- this\n\n"
        for text in (before + section + after, section, section + "[1.2.3]: https://example.com\n"):
            self.assertEqual(self.notes(text), "### Added\n\n- this", text)

    def test_a_version_without_a_date_or_without_a_word_is_refused(self):
        for text in ("", "## [1.2.3]\n\n- this\n", "## [1.2.3] - soon\n\n- this\n", "## [1x2.3] - 2026-02-03\n\n- this\n"):
            with self.assertRaisesRegex(release.Unfit, "no section", msg=text):
                self.notes(text)
        with self.assertRaisesRegex(release.Unfit, "nothing about"):
            self.notes("## [1.2.3] - 2026-02-03\n\n## [1.2.2] - 2026-01-01\n\n- old\n")

    def test_a_tag_of_another_version_is_refused(self):
        for tag in ("v9.9.9", version(), f"v{version()}-rc.1"):
            with self.assertRaisesRegex(AssertionError, "failed to check: the tag is"):
                script("release.py", "check", tag)


class Build(InAFolder):
    def test_the_program_is_built_from_the_lock_file_without_a_trace_of_where(self):
        # In place of the minutes that it takes: what it is told.
        cargo = self.folder / "cargo"
        cargo.write_text(
            "#!/bin/sh\nset -e\n"
            'printf \'%s\\n\' "$*" "$CARGO_ENCODED_RUSTFLAGS" "${CARGO_PROFILE_RELEASE_LTO-}" "$PWD" > "$TOLD"\n'
            'echo \'{"reason": "compiler-artifact", "executable": null}\'\n'
            'echo \'{"reason": "compiler-artifact", "executable": "/there/kms-alias"}\'\n'
            'echo \'{"reason": "build-finished", "success": true}\'\n',
            encoding="utf-8",
        )
        cargo.chmod(0o755)
        variables = {
            "PATH": os.pathsep.join([str(self.folder), os.environ["PATH"]]),
            "CARGO_HOME": "/a place/cargo",
            "CARGO_PROFILE_RELEASE_LTO": "off",
            "TOLD": str(self.folder / "told"),
        }
        printed = script("release.py", "build", "--target", "x86_64-unknown-linux-gnu", **variables)
        self.assertEqual(printed, b"/there/kms-alias\n")
        command, flags, profile, place = (self.folder / "told").read_text(encoding="utf-8").splitlines()
        self.assertIn("build --locked --release --bin kms-alias --target x86_64-unknown-linux-gnu ", command)
        remapped = [f"--remap-path-prefix={ROOT}=/kms-alias", "--remap-path-prefix=/a place/cargo=/cargo"]
        self.assertEqual(flags.split("\x1f"), remapped)
        self.assertEqual((profile, place), ("", str(ROOT)))
        cargo.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        with self.assertRaisesRegex(AssertionError, "cargo build ended with 101"):
            script("release.py", "build", "--target", "x86_64-unknown-linux-gnu", **variables)


class Workflow(unittest.TestCase):
    """What test_workflows.py does not ask of every workflow"""

    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]

    def scripts(self, job):
        return "\n".join(step.get("run", "") for step in self.jobs[job]["steps"])

    def test_it_builds_for_every_target_once_each_on_its_own_system(self):
        matrix = self.jobs["build"]["strategy"]["matrix"]["include"]
        self.assertEqual(sorted(each["target"] for each in matrix), release.TARGETS)
        own = {"ubuntu-22.04": "x86_64-.*linux", "ubuntu-22.04-arm": "aarch64-.*linux", "macos-15": "aarch64-apple"}
        own |= {"macos-15-intel": "x86_64-apple", "windows-2025": "x86_64-pc-windows"}
        for each in matrix:
            self.assertRegex(each["target"], own[each["runner"]])
            self.assertEqual("newest-glibc" in each, each["target"].endswith("-gnu"))

    def test_every_call_of_a_script_is_one_that_it_takes(self):
        calls = [call for job in self.jobs for call in re.findall(r"ci/(\w+\.py) (\w+)", self.scripts(job))]
        self.assertEqual(len(calls), 6)
        for name, command in calls:
            self.assertIn(command, run(sys.executable, "-B", ROOT / "ci" / name, "--help").decode())

    def test_the_tag_the_compiler_and_the_time_are_settled_before_anything_is_built(self):
        self.assertIn('check "$GITHUB_REF_NAME"', self.scripts("check"))
        self.assertEqual((self.jobs["build"]["needs"], self.jobs["release"]["needs"]), ("check", ["check", "build"]))
        for job in ("build", "release"):
            self.assertEqual(self.jobs[job]["env"]["SOURCE_DATE_EPOCH"], "${{ needs.check.outputs.epoch }}")
            self.assertEqual(self.jobs[job]["env"]["RUSTUP_TOOLCHAIN"], "${{ needs.check.outputs.toolchain }}")
        oldest = re.search(r'^rust-version = "(.+?)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
        self.assertEqual(script("release.py", "toolchain").decode(), f"{oldest}\n")

    def test_what_was_built_is_tried_before_it_is_packed(self):
        names = [step.get("run", "") for step in self.jobs["build"]["steps"]]
        tried = next(i for i, text in enumerate(names) if "apply --file aliases.yaml --sandbox --yes" in text)
        packed = next(i for i, text in enumerate(names) if "release.py archive" in text)
        self.assertLess(tried, packed)

    def test_the_release_is_a_draft_with_one_file_of_checksums_that_is_attested(self):
        self.assertIn("gh release create \"$GITHUB_REF_NAME\" --draft --verify-tag", self.scripts("release"))
        attested = [step["with"] for step in self.jobs["release"]["steps"] if step.get("uses", "").startswith("actions/attest@")]
        self.assertEqual(attested[0], {"subject-checksums": "dist/SHA256SUMS"})
        self.assertEqual(attested[1]["sbom-path"], "${{ steps.sbom.outputs.path }}")

    def test_its_checksums_are_of_all_that_has_arrived(self):
        [step] = [step for step in self.jobs["release"]["steps"] if step.get("working-directory") == "dist"]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "a.zip").write_bytes(b"a")
            (place / "a.zip.sha256").write_text(f"{hashlib.sha256(b'a').hexdigest()}  a.zip\n", encoding="utf-8")
            (place / "b.json").write_bytes(b"b")
            steps = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            self.assertEqual(subprocess.run(steps, cwd=place, capture_output=True).returncode, 0)
            self.assertEqual({path.name for path in place.iterdir()}, {"a.zip", "b.json", "SHA256SUMS"})
            check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
            self.assertIn(b"a.zip: OK\nb.json: OK\n", subprocess.run(check, cwd=place, check=True, capture_output=True).stdout)
            (place / "b.json.sha256").write_text(f"{hashlib.sha256(b'other').hexdigest()}  b.json\n", encoding="utf-8")
            self.assertNotEqual(subprocess.run(steps, cwd=place, capture_output=True).returncode, 0)


class Package(unittest.TestCase):
    """What Cargo.toml says of it"""

    @classmethod
    def setUpClass(cls):
        cls.files = set(run("cargo", "package", "--list", "--locked", "--allow-dirty").decode().splitlines())
        [package] = json.loads(run("cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"))["packages"]
        cls.binstall = package["metadata"]["binstall"]

    def test_the_package_has_the_sources_and_what_they_are_read_with_and_nothing_else(self):
        own = set(run("git", "ls-files", "-z", "src", "schema/*.json", "examples/ci", "LICENSE-*").decode().split("\0")) - {""}
        more = {"Cargo.toml", "Cargo.lock", "README.md", "CHANGELOG.md", "aliases.yaml", "examples/embed.rs"}
        pages = {"docs/risks.md", "docs/licences.md", "docs/running.md", "docs/sandbox.md"}
        by_cargo = {"Cargo.toml.orig", ".cargo_vcs_info.json"}
        self.assertEqual(self.files, own | more | pages | by_cargo)

    def test_every_file_that_the_sources_take_in_is_in_it(self):
        taken = set()
        for source in [*(ROOT / "src").rglob("*.rs"), ROOT / "examples/embed.rs"]:
            for name in re.findall(r'include(?:_str|_bytes)?!\("([^"]+)"\)', source.read_text(encoding="utf-8")):
                taken.add(Path(os.path.normpath(source.parent / name)).relative_to(ROOT).as_posix())
        self.assertIn("docs/risks.md", taken)
        self.assertLessEqual(taken, self.files)

    def expanded(self, template, target, **more):
        values = {"repo": "https://example.com/kms-alias", "name": "kms-alias", "version": version(), "target": target, **more}
        return re.sub(r"\{ ([\w-]+) \}", lambda found: values[found[1]], template)

    def test_binstall_looks_for_the_archives_that_there_are(self):
        # As cargo-binstall tries them for each form:
        # https://docs.rs/binstalk-types/latest/binstalk_types/cargo_toml_binstall/enum.PkgFmt.html
        suffixes = {"tgz": [".tgz", ".tar.gz"], "zip": [".zip"]}
        for target in release.TARGETS:
            settings = self.binstall | self.binstall["overrides"].get(target, {})
            urls = [self.expanded(settings["pkg-url"], target, **{"archive-suffix": suffix}) for suffix in suffixes[settings["pkg-fmt"]]]
            name = release.folder(target) + release.suffix(target)
            self.assertIn(f"https://example.com/kms-alias/releases/download/v{version()}/{name}", urls)
            extension = ".exe" if "windows" in target else ""
            inside = self.expanded(settings["bin-dir"], target, **{"bin": "kms-alias", "binary-ext": extension})
            self.assertEqual(inside, f"{release.folder(target)}/{release.program(target)}")
        self.assertLessEqual(self.binstall["overrides"].keys(), set(release.TARGETS))


if __name__ == "__main__":
    unittest.main()
