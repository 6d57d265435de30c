#!/usr/bin/env python3
"""Prints what the program is made of besides its own source: every crate that is built into it, or helps to build it, on any platform.

`licences` is docs/licences.md, `texts` the licences in full, for the archives, `sbom` a CycloneDX document. A crate without a licence, or
under one that deny.toml does not allow, is an error. Only Python's own library and cargo: the release has nothing else.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TEXT = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)([-_.][\w.-]*)?", re.IGNORECASE)
CODE = {".c", ".h", ".json", ".py", ".rs", ".toml"}  # as notice.rs, which is no text
RULE = "=" * 100

HEAD = """\
# Licences

kms-alias itself is under Apache-2.0 or MIT, at your choice. These are the crates that are built into it or help to build it, on any of
its platforms; each program has some of them. Beside them there is the standard library of Rust, under Apache-2.0 or MIT as well. The
archives of a release have the texts in full.

`python3 ci/dependencies.py licences` prints this page, and fails where a licence is not among those that [deny.toml](../deny.toml) allows.
"""


class Unfit(Exception):
    """What must not be released like this"""


def cargo(*arguments):
    ran = subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    if ran.returncode != 0:
        raise Unfit(f"`cargo {arguments[0]}` failed:\n{ran.stderr}")
    return ran.stdout


def graph():
    """Of each crate those that it needs, the program first; as cargo tells them, since only it knows what the tests alone switch on"""
    needs, above = {}, []
    # A dependency may be told several times, and below the first time only with its own.
    for line in cargo("tree", "--target", "all", "--edges", "no-dev", "--prefix", "depth", "--format", " {p}").splitlines():
        depth, name, version = line.split()[:3]
        crate = (name, version.removeprefix("v"))
        needs.setdefault(crate, set())
        del above[int(depth) :]
        if above:
            needs[above[-1]].add(crate)
        above.append(crate)
    return needs


def checksums():
    """Of each crate the SHA-256 that the lock file demands"""
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    entry = r'^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"$'
    return {(name, version): checksum for name, version, checksum in re.findall(entry, lock, re.MULTILINE)}


def allowed():
    """The licences that deny.toml allows"""
    [listed] = re.findall(r"^allow = \[(.*?)\]", (ROOT / "deny.toml").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return set(re.findall(r'"(.+?)"', listed))


def permits(expression, licences):
    """Whether one of the choices that an SPDX expression leaves is among these licences whole"""
    words = re.findall(r"[()]|[^\s()]+", expression)

    def one():
        if words[0] == "(":
            words.pop(0)
            found = either()
            if words.pop(0) != ")":
                raise ValueError(expression)
            return found
        name = words.pop(0)
        if words[:1] == ["WITH"]:
            name = f"{name} WITH {words[1]}"
            del words[:2]
        return name in licences

    def both():
        found = one()
        while words[:1] == ["AND"]:
            words.pop(0)
            found = one() and found
        return found

    def either():
        found = both()
        while words[:1] == ["OR"]:
            words.pop(0)
            found = both() or found
        return found

    try:
        found = either()
    except IndexError as error:
        raise ValueError(expression) from error
    if words:
        raise ValueError(expression)
    return found


def licence(package, licences):
    """The licence of a crate, as an SPDX expression; one that may be used"""
    name = f"{package['name']} {package['version']}"
    if not package["license"]:
        raise Unfit(f"{name} says no licence")
    # Of old, `A/B` was how to offer a choice.
    expression = re.sub(r"\s*/\s*", " OR ", package["license"])
    try:
        permitted = permits(expression, licences)
    except ValueError as error:
        raise Unfit(f"the licence of {name}, {expression!r}, is no SPDX expression") from error
    if not permitted:
        raise Unfit(f"deny.toml does not allow the licence of {name}, {expression}")
    return expression


class Crate(NamedTuple):
    package: dict  # as cargo describes it
    licence: str  # an SPDX expression
    needs: set  # names and versions


def crates():
    """The name and version of the program, and all crates by theirs, it too"""
    packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    known = {(package["name"], package["version"]): package for package in packages}
    needs, may = graph(), allowed()
    program, *_ = needs
    return program, {crate: Crate(known[crate], licence(known[crate], may), needs[crate]) for crate in sorted(needs)}


def others():
    """All but the program"""
    program, found = crates()
    del found[program]
    return found


def print_licences():
    found = others()
    counted = Counter(crate.licence for crate in found.values())
    print(HEAD)
    print("| licence | crates |\n|---|---|")
    for expression, count in sorted(counted.items(), key=lambda each: (-each[1], each[0])):
        print(f"| {expression} | {count} |")
    print("\n| crate | version | licence |\n|---|---|---|")
    for (name, version), crate in found.items():
        print(f"| {name} | {version} | {crate.licence} |")


def texts_of(package):
    """The texts of licences in the folder of a crate, those of code that it took over included"""
    folder = Path(package["manifest_path"]).parent
    for path in sorted(folder.rglob("*")):
        if TEXT.fullmatch(path.name) and path.suffix.lower() not in CODE and path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            yield path.relative_to(folder).as_posix(), "\n".join(line.rstrip() for line in lines).strip("\n")


def print_texts():
    places, without = {}, []
    for (name, version), crate in others().items():
        texts = list(texts_of(crate.package))
        for file, text in texts:
            places.setdefault(text, []).append(f"{name} {version}: {file}")
        if not texts:
            without.append(f"{name} {version}: {crate.licence}, {crate.package['repository'] or 'of no known repository'}")
    print("The licences of the crates that are built into kms-alias or help to build it: each text once, below the files that have it.")
    if without:
        print("\nThese crates come without a text, and are under that of the licence that they name:\n", *without, sep="\n")
    for text, files in places.items():
        print("", RULE, *files, RULE, "", text, sep="\n")


def timestamp():
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        raise Unfit("SOURCE_DATE_EPOCH is not set; export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)")
    return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def purl(crate):
    # A version may have a plus sign, which a purl has no other use for than encoded: https://github.com/package-url/purl-spec
    return f"pkg:cargo/{crate[0]}@{crate[1].replace('+', '%2B')}"


def component(identity, crate, kind, **more):
    what = {"type": kind, "bom-ref": purl(identity), "name": identity[0], "version": identity[1]}
    if crate.package["description"]:
        what["description"] = " ".join(crate.package["description"].split())
    return {**what, "licenses": [{"expression": crate.licence}], "purl": purl(identity), **more}


def library(identity, crate, locked):
    if identity not in locked:
        raise Unfit(f"Cargo.lock has no checksum of {identity[0]} {identity[1]}")
    return component(identity, crate, "library", hashes=[{"alg": "SHA-256", "content": locked[identity]}])


def print_sbom():
    program, found = crates()
    locked = checksums()
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": timestamp(), "component": component(program, found[program], "application")},
        "components": [library(identity, crate, locked) for identity, crate in found.items() if identity != program],
        "dependencies": [{"ref": purl(identity), "dependsOn": sorted(map(purl, crate.needs))} for identity, crate in found.items()],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


COMMANDS = {"licences": print_licences, "texts": print_texts, "sbom": print_sbom}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    # The same bytes on every system
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        command()
    except (OSError, Unfit) as error:
        sys.exit(f"error: failed to tell the dependencies: {error}")


if __name__ == "__main__":
    main()
