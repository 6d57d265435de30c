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
    (validated, planned) = bench.sizes([100_000, 10_000], [1_000, 100])
    with bench.folder() as folder:
        write_manifest(folder / "aliases.yaml", validated)
        millions = counted(bench, folder, client(folder, ""), "validate")
    yield Figure("instructions", f"validate of {validated:,} aliases", millions, "million")
    with in_sync(bench, planned) as (folder, _, environment):
        millions = counted(bench, folder, environment, "plan")
    yield Figure("instructions", f"plan of {planned:,} aliases", millions, "million")
