#!/usr/bin/env python3
"""Runs all tests: those of the crate, ten thousand seeds of the simulation, then those against programs that are not ours (moto,
the AWS CLI, microburst, cmarkgfm, and readers of the reports), and the checks of files and of the page, which is read in Chromium.

The programs that are not ours are installed into a virtual environment of their own under target/. Nothing is ever skipped: what could not
be run is a failure. Needs Rust, Python 3 with its standard library, Chromium, and the network when requirements.txt or
Cargo.lock has changed (the crates of other systems are told too).
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "tests" / "third_party" / "requirements.txt"
VENV = ROOT / "target" / "third-party"
# Written last, so that an installation that was interrupted does not count.
STAMP = VENV / "installed.txt"
OLDEST_PYTHON = (3, 10)  # that the pinned packages take
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]


class CannotRun(Exception):
    """Something is missing that the tests need"""


def say(text):
    print(f"tests/run.py: {text}", flush=True)


def call(command, **options):
    say("$ " + " ".join(str(word) for word in command))
    return subprocess.run(command, cwd=ROOT, **options).returncode


def cargo(command, *arguments, **variables):
    if shutil.which("cargo") is None:
        raise CannotRun("there is no cargo; install Rust")
    # Whole commands run in the tests' own process and read these, which may be set to whatever the person works with.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KMS_ALIAS_", "AWS_"))}
    return call(["cargo", command, "--locked", *arguments], env=environment | variables)


def python():
    """The interpreter of the environment; the scripts beside it do not work in a folder with a space in its name"""
    return VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"


def stamp():
    """What the environment depends on; it cannot be moved, so its place counts too"""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{wanted}\n{sys.version}\n{VENV}\n"


def is_installed():
    written = STAMP.read_text(encoding="utf-8") if STAMP.exists() else None
    if written != stamp():
        return False
    # The interpreter that it was made with may be gone.
    servers, readers = "awscli, microburst.app, moto.server", "cmarkgfm, html5lib, jsonschema, junitparser, prometheus_client"
    judges = "check_jsonschema, cyclonedx.model.bom, dockerfile_parse, kubernetes_validate, pre_commit, promql_parser"
    probe = [python(), "-c", f"import {servers}, {readers}, {judges}"]
    try:
        return subprocess.run(probe, capture_output=True).returncode == 0
    except OSError:
        return False


def install():
    """Moto, the AWS CLI, microburst, cmarkgfm, the readers of reports, and what checks workflows and hooks, as pinned"""
    if is_installed():
        say(f"what is not ours is installed in {VENV}")
        return
    if sys.version_info < OLDEST_PYTHON:
        raise CannotRun(f"Python is {sys.version.split()[0]}, and the programs that are not ours need 3.10 or later")
    say(f"installing moto, the AWS CLI, microburst and cmarkgfm into {VENV}")
    shutil.rmtree(VENV, ignore_errors=True)
    if call([sys.executable, "-m", "venv", VENV]) != 0:
        raise CannotRun("no virtual environment can be made; Debian and Ubuntu have it in the package python3-venv")
    pip = [python(), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # Every dependency is pinned in the file itself; `check` tells when it is not.
    if call(pip + ["install", "--quiet", "--no-deps", "--requirement", REQUIREMENTS]) != 0:
        raise CannotRun("the packages could not be installed; is there a network?")
    if call(pip + ["check"]) != 0:
        raise CannotRun(f"{REQUIREMENTS} is not whole")
    STAMP.write_text(stamp(), encoding="utf-8")


def chromium():
    """Where the browser is that reads the page; as root on Debian it is installed

    Not from a package for Python: the only kept one, Qt's, needs twenty libraries of the system that Debian's chromium brings along.
    """
    named = os.environ.get("KMS_ALIAS_TEST_CHROMIUM")
    if named:
        if shutil.which(named) is None:
            raise CannotRun(f"KMS_ALIAS_TEST_CHROMIUM is {named}, which is no program")
        return shutil.which(named)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found
    may_install = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") and Path("/etc/debian_version").exists()
    if may_install:
        say("THERE IS NO CHROMIUM ON THIS MACHINE: installing Debian's package chromium, as root")
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        call(["apt-get", "update"], **quiet)
        # Somebody else may be installing something.
        lock = ["--option", "DPkg::Lock::Timeout=120"]
        call(["apt-get", "install", "--yes", "--no-install-recommends", *lock, "chromium"], **quiet)
    if shutil.which("chromium") is None:
        raise CannotRun("there is no Chromium: install the package chromium, or name a Chromium or Chrome in KMS_ALIAS_TEST_CHROMIUM")
    return shutil.which("chromium")


def test_crate():
    return cargo("test")


def simulate():
    return cargo("run", "--example", "simulate", "--", "--seeds", "10000")


def test_third_party():
    install()
    return cargo("test", "--test", "third_party", KMS_ALIAS_TEST_PYTHON=str(python()))


def check_files():
    install()
    # The program that the other tests have run: built alone, its dependencies have other features, and all of them are built anew.
    # Its place is what cargo says, whatever the settings of this machine.
    built = ["cargo", "test", "--locked", "--no-run", "--message-format", "json"]
    say("$ " + " ".join(built))
    messages = subprocess.run(built, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    artifacts = [message for message in map(json.loads, messages) if message["reason"] == "compiler-artifact"]
    program = next((one["executable"] for one in artifacts if one["target"]["kind"] == ["bin"] and not one["profile"]["test"]), None)
    if program is None:
        raise CannotRun("cargo does not say where the program is")
    environment = os.environ | {"KMS_ALIAS_TEST_PROGRAM": program, "KMS_ALIAS_TEST_CHROMIUM": chromium()}
    return call([python(), "-B", "-m", "unittest", "discover", "--start-directory", "tests/checks"], env=environment)


def main():
    failures = []
    tests = [
        ("the crate's own tests", test_crate),
        ("the simulation", simulate),
        ("the third-party tests", test_third_party),
        ("the checks of what is ready to copy, and of the page", check_files),
    ]
    for name, test in tests:
        say(f"==== {name}")
        try:
            if test() != 0:
                failures.append(f"{name} FAILED")
        except (CannotRun, OSError, subprocess.CalledProcessError) as why:
            failures.append(f"{name} were NOT RUN: {why}")
    say("; ".join(failures) if failures else "all tests passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
