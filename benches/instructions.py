"""How many instructions the program takes, which a busy machine does not change: by valgrind's callgrind, without its simulated caches"""

import re
import shutil

from cases import in_sync
from figures import CannotRun, Figure
from processes import client, run
from worlds import write_manifest

COLLECTED = re.compile(r"Collected : (\d+)")


def counted(bench, folder, environment, *arguments):
    """Millions of instructions of one run"""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CannotRun("there is no valgrind; install the package valgrind")
    log = folder / "callgrind.log"
    quiet = ["--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
    run([valgrind, *quiet, bench.program, *arguments], folder, environment)
    found = COLLECTED.search(log.read_text(encoding="utf-8"))
    if found is None:
        raise CannotRun(f"callgrind does not say what it has counted: {log.read_text(encoding='utf-8')[-500:]}")
    return int(found[1]) / 1e6


def instructions(bench):
    (validated,) = bench.sizes([100_000], [1_000])
    with bench.folder() as folder:
        write_manifest(folder / "aliases.yaml", validated)
        millions = counted(bench, folder, client(folder, ""), "validate")
    yield Figure("instructions", f"validate of {validated:,} aliases", millions, "million")
    few, many = bench.sizes([10_000, 100_000], [100, 1_000])
    planned = {}
    for count in (few, many):
        with in_sync(bench, count) as (folder, _, environment):
            planned[count] = counted(bench, folder, environment, "plan")
        yield Figure("instructions", f"plan of {count:,} aliases", planned[count], "million")
    what = f"plan, growth from {few:,} to {many:,}"
    yield Figure("instructions", what, planned[many] / planned[few], "", many / few, bench.aim(1.2))
