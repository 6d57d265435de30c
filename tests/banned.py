#!/usr/bin/env python3
"""Fails on what must not be in the repository: crates that another one replaces, and names of package registries' hosts."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Name, forbidden versions by prefix, why. deny.toml says the same to cargo-deny.
LOCKED = [
    ("hyper", "0.14.", "the AWS SDK's old HTTP stack beside the new one"),
    ("h2", "0.3.", "part of that old stack"),
    ("rustls", "0.21.", "part of that old stack, and no longer maintained"),
    ("openssl-sys", "", "it needs a C library of the system"),
]
# These may be locked, for a feature that is off by default, but not built.
BUILT = [("aws-lc-sys", "it needs cmake and minutes of compiling; only the feature aws-lc may bring it")]

# Where a build takes its packages from is a setting of the machine. In two parts, or this file would name them itself.
HOSTS = [
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "crates" + r"\.io(?!-index)",  # which is how Cargo.lock names its source
    "npmjs" + r"\.(?:org|com)",
    "proxy\\.golang" + r"\.org",
    "repo1?\\.maven" + r"\.",
    "deb\\.debian" + r"\.org",
]


def crates():
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    locked = re.findall(r'^name = "(.+)"\nversion = "(.+)"$', lock, re.MULTILINE)
    if not locked:
        yield "Cargo.lock: no crate can be found in it"
    for name, version in locked:
        for banned, prefix, why in LOCKED:
            if name == banned and version.startswith(prefix):
                yield f"Cargo.lock: {name} {version}: {why}"
    command = ["cargo", "tree", "--locked", "--edges", "all", "--prefix", "none", "--format", "{p}"]
    tree = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    built = {line.split(" ")[0] for line in tree.splitlines()}
    for banned, why in BUILT:
        if banned in built:
            yield f"Cargo.toml: the default features bring {banned}: {why}"


def hosts():
    found = re.compile("|".join(HOSTS))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for host in found.findall(line):
                yield f"{name}:{number}: names the package registry {host}"


def main():
    problems = [*crates(), *hosts()]
    for problem in problems:
        print(problem)
    print(f"tests/banned.py: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
