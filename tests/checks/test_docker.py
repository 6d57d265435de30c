"""The Dockerfile, as far as it can be told without a daemon: by hadolint, by what it copies, and by the program in a place like the image"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from dockerfile_parse import DockerfileParser
from program import ROOT, InAFolder

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CARGO_TOML = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
HADOLINT = Path(sys.executable).parent / "hadolint"


def version(text):
    return tuple(int(number) for number in text.split("."))


def stages():
    """Of each stage its instructions and their values"""
    found = []
    for step in DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.encode())).structure:
        if step["instruction"] == "FROM":
            found.append([])
        if step["instruction"] != "COMMENT":
            found[-1].append((step["instruction"], step["value"]))
    return found


def values(stage, instruction):
    return [value for name, value in stage if name == instruction]


def copied(stage):
    """What a stage copies: the flags, the sources and the destination of each COPY"""
    for value in values(stage, "COPY"):
        words = value.split()
        flags = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
        *sources, destination = [word for word in words if not word.startswith("--")]
        yield flags, sources, destination


def allowed():
    """What .dockerignore lets through; the test of it says that no more than this has to be understood"""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def context():
    """The files that a build can see: those of the repository that are not ignored"""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    kept = [line.removeprefix("!") for line in allowed()[1:]]
    return [name for name in tracked if any(name == path or name.startswith(f"{path}/") for path in kept)]


class Docker(InAFolder):
    def copy_of_the_sources(self):
        """A folder with what the builder copies, and nothing else"""
        builder, _ = stages()
        place = self.folder / "src"
        for _, sources, destination in copied(builder):
            for source in sources:
                files = [name for name in context() if name == source or name.startswith(f"{source}/")]
                self.assertTrue(files, f"COPY {source}: there is no such file that .dockerignore lets through")
                for name in files:
                    # A folder's contents are copied, a file goes by its name.
                    inside = Path(name).relative_to(source) if name != source else Path(name).name
                    target = place / destination / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(ROOT / name, target)
        return place

    def test_hadolint_has_nothing_to_say(self):
        ran = self.run_in_folder(HADOLINT, "--no-color", ROOT / "Dockerfile")
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "", ""))

    def test_hadolint_would_say_something(self):
        (self.folder / "Dockerfile").write_text(DOCKERFILE.replace("USER 65532:65532", "USER root"), encoding="utf-8")
        ran = self.run_in_folder(HADOLINT, "--no-color", self.folder / "Dockerfile")
        self.assertIn("DL3002", ran.stdout)

    def test_dockerignore_lets_through_what_it_names_and_nothing_else(self):
        everything, *exceptions = allowed()
        self.assertEqual(everything, "*")
        for line in exceptions:
            self.assertRegex(line, r"^![A-Za-z0-9_./-]+$")
            self.assertTrue((ROOT / line[1:]).exists(), line)
        sources = [source for _, sources, _ in copied(stages()[0]) for source in sources]
        self.assertEqual(sorted(line[1:] for line in exceptions), sorted(sources))

    def test_the_lock_file_fits_what_is_copied_and_nothing_is_missing(self):
        place = self.copy_of_the_sources()
        told = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
        host = next(line.removeprefix("host: ") for line in told.splitlines() if line.startswith("host: "))
        # Offline: the crates are there, since the program has been built from the same lock file.
        metadata = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host]
        ran = subprocess.run(metadata, cwd=place, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        package = next(found for found in json.loads(ran.stdout)["packages"] if found["name"] == "kms-alias")
        built = [target for target in package["targets"] if {"bin", "lib"} & set(target["kind"])]
        self.assertEqual(len(built), 2)
        for target in built:
            self.assertTrue(Path(target["src_path"]).is_file(), target)

    def test_every_file_that_the_sources_take_in_is_copied(self):
        place = self.copy_of_the_sources()
        taken = []
        for source in (ROOT / "src").rglob("*.rs"):
            for name in re.findall(r'include(?:_str|_bytes)?!\("([^"]+)"\)', source.read_text(encoding="utf-8")):
                file = os.path.normpath(source.parent / name)
                taken.append(os.path.relpath(file, ROOT))
        self.assertIn(os.path.join("docs", "risks.md"), taken)
        for name in taken:
            self.assertTrue((place / name).is_file(), f"{name} is not copied")

    def test_the_bases_have_a_tag_that_is_not_moved_at_random_and_the_compiler_is_new_enough(self):
        images = [value.split()[0] for stage in stages() for value in values(stage, "FROM")]
        for image in images:
            self.assertRegex(image, r":[a-z0-9][a-z0-9.-]*(@sha256:[0-9a-f]{64})?$")
            self.assertNotIn("latest", image)
        oldest = re.search(r'^rust-version = "([0-9.]+)"', CARGO_TOML, re.MULTILINE).group(1)
        compiler = re.match(r"rust:([0-9.]+)-slim-bookworm", images[0]).group(1)
        self.assertGreaterEqual(version(compiler), version(oldest))
        # bookworm is Debian 12: one C library for both stages.
        self.assertIn("debian12", images[1])

    def test_it_builds_from_the_lock_file(self):
        builds = re.findall(r"cargo build[^&\n]*", "\n".join(values(stages()[0], "RUN")))
        self.assertEqual(len(builds), 2)
        for command in builds:
            self.assertEqual(command.split()[2:4], ["--locked", "--release"])

    def test_it_runs_the_program_alone_and_not_as_root(self):
        _, runtime = stages()
        user = values(runtime, "USER")[-1]
        self.assertRegex(user, r"^[1-9][0-9]*:[1-9][0-9]*$")
        self.assertEqual(values(runtime, "ENTRYPOINT"), ['["/kms-alias"]'])
        self.assertFalse(values(runtime, "RUN"), "there is no shell in it")
        owners = {flags.get("chown") for flags, _, destination in copied(runtime) if destination in values(runtime, "VOLUME")}
        self.assertEqual(owners, {user})
        for flags, _, _ in copied(runtime):
            self.assertEqual(flags["from"], "build")

    def test_its_labels_tell_the_truth(self):
        labels = DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.encode())).labels
        said = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
        self.assertEqual(said["version"], re.search(r'^version = "(.+)"', CARGO_TOML, re.MULTILINE).group(1))
        self.assertEqual(said["licenses"], re.search(r'^license = "(.+)"', CARGO_TOML, re.MULTILINE).group(1))
        self.assertEqual(said["base.name"], values(stages()[1], "FROM")[0])

    def test_receipts_go_to_its_volume(self):
        _, runtime = stages()
        environment = dict(value.split("=", 1) for value in values(runtime, "ENV"))
        (volume,) = values(runtime, "VOLUME")
        self.assertTrue(environment["XDG_STATE_HOME"].startswith(volume))
        shutil.copyfile(ROOT / "aliases.yaml", self.folder / "aliases.yaml")
        state = {name: f"{self.folder}{value}" for name, value in environment.items()}
        self.kms_alias("apply", "--yes", "--sandbox=world.json", **state)
        receipts = [str(path.relative_to(self.folder)) for path in self.folder.rglob("kms-alias-receipt-*.jsonl")]
        self.assertEqual([os.path.dirname(path) for path in receipts], [f"{volume}/kms-alias".lstrip("/")])


if __name__ == "__main__":
    unittest.main()
