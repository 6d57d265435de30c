#!/usr/bin/env python3
"""Makes what a release consists of, the same bytes from the same commit: .github/workflows/release.yml calls it, and so can anybody

`check` holds a tag against Cargo.toml and CHANGELOG.md and prints the release notes, `toolchain` prints the compiler that is built with,
`build` builds the program without a trace of where, and prints its path; `archive` packs it with all that belongs to it. Only Python's own
library and cargo.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "kms-alias"
TARGETS = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
]
FILES = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs/licences.md"]
TEXTS = "THIRD-PARTY-LICENCES.txt"
# Named as each shell looks for them.
COMPLETIONS = {
    "bash": "kms-alias.bash",
    "elvish": "kms-alias.elv",
    "fish": "kms-alias.fish",
    "powershell": "_kms-alias.ps1",
    "zsh": "_kms-alias",
}
EPOCH_OF_ZIP = 315532800  # 1980-01-01, the first time that it can tell


class Unfit(Exception):
    """What must not be released like this"""


def run(*command, **options):
    ran = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, **options)
    if ran.returncode != 0:
        raise Unfit(f"`{' '.join(map(str, command))}` ended with {ran.returncode}:\n{ran.stderr.decode(errors='replace')}")
    return ran.stdout


def package():
    """What Cargo.toml says, as cargo reads it"""
    metadata = run("cargo", "metadata", "--locked", "--no-deps", "--format-version", "1", cwd=ROOT)
    [found] = json.loads(metadata)["packages"]
    return found


def epoch():
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if not seconds:
        raise Unfit("SOURCE_DATE_EPOCH is not set; export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)")
    return int(seconds)


def on_windows(target):
    return "windows" in target


def program(target):
    """What the program is called"""
    return NAME + ".exe" if on_windows(target) else NAME


def without(*beginnings):
    """The environment, but for what somebody has set for other work"""
    return {name: value for name, value in os.environ.items() if not name.startswith(beginnings)}


def notes(version):
    """The section of a version in the changelog"""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}$"
    # It ends with the next one, or with the addresses that such files have at their end.
    found = re.search(rf"{heading}\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise Unfit(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")
    if not found[1].strip():
        raise Unfit(f"CHANGELOG.md says nothing about {version}")
    return found[1].strip()


def check(options):
    version = package()["version"]
    if options.tag != f"v{version}":
        raise Unfit(f"the tag is {options.tag}, and Cargo.toml has version {version}, of which the tag is v{version}")
    print(notes(version))


def toolchain(_options):
    print(package()["rust_version"])


def flags(target):
    """What keeps out of the program where, and when, it was built"""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo").absolute()
    found = [f"--remap-path-prefix={ROOT}=/{NAME}", f"--remap-path-prefix={home}=/cargo"]
    # link.exe would put in the time of day.
    return found + ["-Clink-arg=/Brepro"] if on_windows(target) else found


def build(options):
    epoch()
    # In a form in which a path may have spaces
    changed = {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags(options.target)), "CARGO_INCREMENTAL": "0", "ZERO_AR_DATE": "1"}
    command = ["cargo", "build", "--locked", "--release", "--bin", NAME, "--target", options.target]
    command += ["--message-format", "json-render-diagnostics"]
    # Its progress and its errors are for whoever watches.
    ran = subprocess.run(command, cwd=ROOT, env=without("CARGO_PROFILE_") | changed, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    if ran.returncode != 0:
        raise Unfit(f"cargo build ended with {ran.returncode}")
    programs = [message.get("executable") for message in map(json.loads, ran.stdout.splitlines())]
    [built] = filter(None, programs)
    print(Path(built).as_posix())


def told(runnable, *arguments):
    return run(runnable, *arguments, env=without("AWS_", "KMS_ALIAS_"))


def completions(runnable):
    return {f"completions/{name}": told(runnable, "completions", shell) for shell, name in COMPLETIONS.items()}


def pages(runnable):
    with tempfile.TemporaryDirectory() as folder:
        told(runnable, "man", "--out", folder)
        found = {f"man/{path.name}": path.read_bytes() for path in Path(folder).iterdir()}
    if not found:
        raise Unfit(f"{runnable} wrote no manual pages")
    return found


def contents(options):
    """What is in the archive, by name"""
    found = {name: (ROOT / name).read_bytes() for name in FILES}
    found |= completions(options.runnable) | pages(options.runnable)
    found[TEXTS] = run(sys.executable, ROOT / "ci" / "dependencies.py", "texts")
    found[program(options.target)] = options.program.read_bytes()
    return dict(sorted(found.items()))


def mode(name):
    return 0o755 if name.startswith(NAME) else 0o644


def tar_gz(place, files):
    packed = io.BytesIO()
    # Without a name and a time in the head of gzip
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as zipped:
        with tarfile.open(mode="w", fileobj=zipped, format=tarfile.USTAR_FORMAT) as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(f"{place}/{name}")
                info.size, info.mode, info.mtime = len(content), mode(name), epoch()
                tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def zip_file(place, files):
    packed = io.BytesIO()
    when = time.gmtime(max(epoch(), EPOCH_OF_ZIP))[:6]
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(f"{place}/{name}", when)
            info.create_system = 3  # Unix, on every system
            info.external_attr = (0o100000 | mode(name)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()


def folder(target):
    """The one folder of an archive, by which it is named too"""
    return f"{NAME}-{package()['version']}-{target}"


def suffix(target):
    return ".zip" if on_windows(target) else ".tar.gz"


def archive(options):
    options.runnable = (options.runnable or options.program).resolve()
    pack = zip_file if on_windows(options.target) else tar_gz
    packed = pack(folder(options.target), contents(options))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / (folder(options.target) + suffix(options.target))
    path.write_bytes(packed)
    # As sha256sum writes it
    line = f"{hashlib.sha256(packed).hexdigest()}  {path.name}\n"
    path.with_name(path.name + ".sha256").write_text(line, encoding="utf-8", newline="\n")
    print(path.as_posix())


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    checked = commands.add_parser("check", help="fail unless the tag is that of Cargo.toml; print the release notes")
    checked.add_argument("tag")
    checked.set_defaults(run=check)
    told = commands.add_parser("toolchain", help="print the version of Rust that releases are built with")
    told.set_defaults(run=toolchain)
    built = commands.add_parser("build", help="build the program for a target, and print where it is")
    built.set_defaults(run=build)
    packed = commands.add_parser("archive", help="pack the program with all that belongs to it")
    packed.add_argument("--program", type=Path, required=True)
    packed.add_argument("--out", type=Path, required=True)
    packed.add_argument("--runnable", type=Path, help="a program of the same version that this machine can run, if it cannot run that one")
    packed.set_defaults(run=archive)
    for command in (built, packed):
        command.add_argument("--target", choices=TARGETS, required=True)
    return parser.parse_args()


def main():
    options = arguments()
    # The same bytes on every system, whatever its code page
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        options.run(options)
    except (OSError, ValueError, Unfit) as error:
        sys.exit(f"error: failed to {options.command}: {error}")


if __name__ == "__main__":
    main()
