#!/usr/bin/env python3
"""Measures the program and prints one table: `python3 benches/run.py`, or only some cases, `python3 benches/run.py plan apply`.

It builds the release itself. docs/performance.md says what each case and its floor are, and what was measured. A case that cannot be run
has failed, and so has the run; an aim that is missed is a figure like any other. Needs Linux, Rust and Python 3.10 with
its standard library; `peers` installs what it compares with, and `instructions` needs valgrind.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import cases
import instructions
import peers
from figures import CannotRun, table

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "target" / "benches"
MEMORY = Path("/dev/shm")
CASES = {
    "plan": cases.plan,
    "apply": cases.apply,
    "fleet": cases.fleet,
    "cpu": cases.cpu,
    "calls": cases.calls,
    "instructions": instructions.instructions,
    "peers": peers.peers,
}


def say(text):
    print(f"benches/run.py: {text}", file=sys.stderr, flush=True)


class Bench:
    """What the cases are given: the program, where files go, and how large things are"""

    def __init__(self, program, quick, stages=None):
        self.program, self.quick, self.say, self.given = program, quick, say, stages

    @cached_property
    def stages(self):
        """The program that has the stages of a plan alone, `benches/stages.rs`"""
        return self.given or built("stages", "--bench")

    def sizes(self, whole, quick):
        return quick if self.quick else whole

    def aim(self, value):
        """Aims are about the whole sizes"""
        return None if self.quick else value

    @contextmanager
    def folder(self, on_disk=False):
        """An empty folder, which is gone afterwards; in memory where the system has such a place, since a disk has moods of its own"""
        place = KEPT if on_disk else MEMORY if MEMORY.is_dir() else None
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="kms-alias-bench-", dir=place) as folder:
            yield Path(folder)

    def kept(self, name, write):
        """A file that is written once and used again; its name says what is in it"""
        path = KEPT / name
        if not path.exists():
            KEPT.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".draft")
            write(draft)
            draft.replace(path)
        return path


def built(name, kind):
    """The release of this tree; its place is what cargo says, whatever the settings of this machine"""
    command = ["cargo", "build", "--locked", "--release", kind, name, "--message-format", "json-render-diagnostics"]
    say("building the release, which takes minutes the first time: $ " + " ".join(command))
    try:
        messages = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError) as why:
        raise CannotRun(f"the release is not built: {why}") from why
    artifacts = [message for message in map(json.loads, messages) if message.get("executable")]
    program = next((message["executable"] for message in artifacts if message["target"]["name"] == name), None)
    if program is None:
        raise CannotRun(f"cargo does not say where {name} is")
    return Path(program)


def first_line(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.partition("\n")[0]
    except OSError:
        return "none"


def machine():
    """What the figures depend on; no name of the machine"""
    kilobytes = re.search(r"^MemTotal: +(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"), re.MULTILINE)
    model = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "processor": model[1] if model else platform.machine(),
        "memory": f"{int(kilobytes[1]) / 2**20:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "rustc": first_line("rustc", "--version"),
        "python": platform.python_version(),
        "load": load(),
    }


def load():
    """How many processes wanted a core during the last minute, and five, and fifteen"""
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, which say that it works and not how fast")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there as well")
    parser.add_argument("--program", type=Path, metavar="PATH", help="measure this program, and build none")
    parser.add_argument("--stages", type=Path, metavar="PATH", help="likewise for the stages of a plan in memory, which `cpu` measures")
    given = parser.parse_args()
    unknown = sorted(set(given.cases) - set(CASES))
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    return given


def measure(bench, names):
    """The figures of these cases, and why some could not be had"""
    figures, failures = [], []
    for name in names:
        say(f"==== {name} (load {load()})")
        try:
            for figure in CASES[name](bench):
                say(" | ".join(figure.cells()))
                figures.append(figure)
        except (CannotRun, OSError) as why:
            failures.append(f"{name} FAILED: {why}")
    return figures, failures


def main():
    given = arguments()
    try:
        program = given.program.resolve(strict=True) if given.program else built("kms-alias", "--bin")
    except (CannotRun, OSError) as why:
        say(str(why))
        return 1
    around = machine()
    figures, failures = measure(Bench(program, given.quick, given.stages), given.cases or list(CASES))
    around["load afterwards"] = load()
    print("\n".join(f"{name}: {value}" for name, value in around.items()))
    print(f"\n{table(figures)}")
    print("".join(f"\n{failure}" for failure in failures), end="\n" if failures else "")
    if given.json:
        record = {"machine": around, "quick": given.quick, "figures": [figure.record() for figure in figures], "failures": failures}
        given.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
