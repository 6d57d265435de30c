"""What is measured of kms-alias alone, against its own sandbox: each case yields figures"""

import json
import math
import os
import time
from contextlib import contextmanager

from figures import Figure
from pages import page_through
from processes import DIFFERENCES, Sandbox, best_and_median, client, run
from worlds import key_of, write_manifest, write_state

LATENCY = 0.020
PAGE = 100  # aliases, the most that ListAliases gives
TRIES = 3
MB = 1e6


@contextmanager
def in_sync(bench, count, *flags):
    """A sandbox whose `count` aliases are as the manifest has them, and what its clients get"""
    with bench.folder() as folder:
        write_manifest(folder / "aliases.yaml", count)
        write_state(folder / "state.json", count)
        with Sandbox(bench.program, folder, *flags) as sandbox:
            yield folder, sandbox.url, client(folder, sandbox.url)


def plan(bench):
    """Time of a plan at 20 ms a call, against the pages that it has to read one after the other"""
    for count in bench.sizes([100, 1_000, 10_000, 100_000], [100, 1_000]):
        floor = math.ceil(count / PAGE) * LATENCY
        with in_sync(bench, count, "--latency", "20ms") as (folder, url, environment):
            runs = [run([bench.program, "plan"], folder, environment) for _ in range(TRIES)]
            bare = min(page_through(url)[0] for _ in range(TRIES))
        best, median = best_and_median(runs)
        yield Figure("plan", f"{count:,} aliases, best of {TRIES}", best, "s", floor, bench.aim(1.05))
        yield Figure("plan", f"{count:,} aliases, median of {TRIES}", median, "s", floor)
        yield Figure("plan", f"{count:,} aliases, a client that only pages", bare, "s", floor)
        yield Figure("plan", f"{count:,} aliases, best against that client", best, "s", bare, bench.aim(1.05))


RATES = {"CreateAlias": 5, "UpdateAlias": 5, "DeleteAlias": 15}
BELOW_HALF, ABOVE_HALF = ({"CreateAlias": c, "UpdateAlias": c, "DeleteAlias": d} for c, d in ((2, 7), (3, 8)))


def apply(bench):
    """Time of an apply under the service's request quotas, and under lower ones that it has not been told of"""
    yield from applied(bench, "5/5/15 a second", RATES, 1.05)
    if not bench.quick:
        with bench.folder(on_disk=True) as disk:
            synced = sorted(sync_times(disk / "file"))
            yield from applied(bench, "5/5/15, receipt on disk", RATES, 1.05, disk / "receipt")
        yield Figure("apply", "a sync of that disk, median of 50", synced[25] * 1000, "ms")
        yield Figure("apply", "a sync of that disk, worst of 50", synced[-1] * 1000, "ms")
        yield from applied(bench, "3/3/8, unsaid", ABOVE_HALF, 1.25)
        yield from applied(bench, "2/2/7, unsaid", BELOW_HALF, 1.25)


def applied(bench, what, rates, aim, receipt=None):
    creates, updates, deletes = bench.sizes([100, 100, 300], [5, 5, 15])
    seconds = [creates / rates["CreateAlias"], updates / rates["UpdateAlias"], deletes / rates["DeleteAlias"]]
    with bench.folder() as folder:
        live = deletes + updates + 100

        def entry(number):
            """The first are taken away, the next moved, and those after the live ones are new"""
            return "absent" if number < deletes else key_of(number, moved=number < deletes + updates)

        write_manifest(folder / "aliases.yaml", live + creates, ["guards: {max_delete: 100%, max_update: 100%}"], entry)
        write_state(folder / "state.json", live, spare=creates)
        quotas = [f"--quota={operation}={rate}" for operation, rate in rates.items()]
        with Sandbox(bench.program, folder, "--latency", "20ms", "--service-quotas", *quotas) as sandbox:
            command = [bench.program, "apply", "--yes", "--receipt", receipt or folder / "receipt"]
            ran = run(command, folder, client(folder, sandbox.url))
        throttled = sandbox.throttled()
    yield Figure("apply", f"{what}: all lanes at once", ran.wall, "s", max(seconds), bench.aim(aim))
    yield Figure("apply", f"{what}: deletes after the others", ran.wall, "s", max(seconds[:2]) + seconds[2])
    yield Figure("apply", f"{what}: writes throttled", throttled, "", aim=bench.aim(0) if rates is RATES else None)


def sync_times(path):
    """How long the disk takes to have a line of a receipt for certain, fifty times within some seconds: its moods pass slowly"""
    with open(path, "wb", buffering=0) as file:
        for _ in range(50):
            began = time.monotonic()
            file.write(b"x" * 200)
            os.fsync(file.fileno())
            yield time.monotonic() - began
            time.sleep(0.1)


def fleet(bench):
    """Time of a plan of many targets, against as many rounds of what one target's calls take one after the other"""
    (count,) = bench.sizes([1_000], [20])
    accounts = [f"{100_000_000_000 + number}" for number in range(count)]
    quoted = ", ".join(f'"{account}"' for account in accounts)
    role = 'roles: {plan: "arn:aws:iam::{account}:role/kms-alias-read"}'
    targets = f"targets: {{all: {{accounts: [{quoted}], region: us-east-1}}}}"
    with bench.folder() as folder:
        write_manifest(folder / "aliases.yaml", 100, [role, targets])
        write_state(folder / "state.json", 100, accounts)
        with Sandbox(bench.program, folder, "--latency", "20ms") as sandbox:
            environment = client(folder, sandbox.url)
            one = run([bench.program, "plan", "--output=json", f"--target=all/{accounts[0]}/*"], folder, environment)
            # assume the role, and list then; who one is is asked beside the first page
            calls = 1 + sum(count for operation, count in api_calls(one).items() if operation != "GetCallerIdentity")
            for parallelism in (10, 50):
                command = [bench.program, "plan", "--quiet", "--parallelism", parallelism]
                runs = [run(command, folder, environment) for _ in range(TRIES)]
                best, _ = best_and_median(runs)
                floor = math.ceil(count / parallelism) * calls * LATENCY
                what = f"{count:,} targets x 100 aliases, {parallelism} at once"
                yield Figure("fleet", f"{what}, best of {TRIES}", best, "s", floor)
                yield Figure("fleet", f"{what}, CPU", min(ran.cpu for ran in runs), "s")
                yield Figure("fleet", f"{what}, peak memory", max(ran.memory for ran in runs) / MB, "MB")


def api_calls(ran):
    """The calls of a plan by operation, as its document says"""
    return json.loads(ran.stdout)["api_calls"]


def cpu(bench):
    """What the program costs by itself, without a network: CPU, memory, size"""
    yield from validated(bench)
    with bench.folder() as folder:
        runs = [run([bench.program, "--version"], folder, client(folder, "")) for _ in range(bench.sizes([50], [5])[0])]
        yield Figure("cpu", f"--version, median of {len(runs)}", best_and_median(runs)[1] * 1000, "ms", aim=5)
    yield from planned(bench)
    yield from staged(bench)
    yield Figure("cpu", "size of the program", bench.program.stat().st_size / MB, "MB", aim=15)


def validated(bench):
    (count,) = bench.sizes([1_000_000], [10_000])
    with bench.folder() as folder:
        manifest = bench.kept(f"validate-{count}.yaml", lambda path: write_manifest(path, count))
        runs = [run([bench.program, "validate", "--file", manifest], folder, client(folder, "")) for _ in range(TRIES)]
    yield Figure("cpu", f"validate of {count:,} aliases, CPU", min(ran.cpu for ran in runs), "s", aim=bench.aim(1.5))
    yield Figure("cpu", f"validate of {count:,} aliases, peak memory", max(ran.memory for ran in runs) / MB, "MB", aim=bench.aim(400))


def planned(bench):
    """Plans without latency; the CPU is the client's own, so that of the server does not count"""
    costs = {}
    for count in bench.sizes([100, 1_000, 10_000, 100_000], [100, 1_000]):
        tries = {100: 20, 100_000: TRIES}.get(count, 5)
        with in_sync(bench, count) as (folder, _, environment):
            runs = [run([bench.program, "plan"], folder, environment) for _ in range(tries)]
        if count == 100:
            yield Figure("cpu", f"plan of 100 aliases, median of {tries}", best_and_median(runs)[1] * 1000, "ms", aim=60)
        costs[count] = min(ran.cpu for ran in runs)
        yield Figure("cpu", f"plan of {count:,} aliases, CPU of the client", costs[count], "s")
        yield Figure("cpu", f"plan of {count:,} aliases, CPU per 1,000", costs[count] * 1e6 / count, "ms")
        if count == 100_000:
            yield Figure("cpu", f"plan of {count:,} aliases, peak memory", max(ran.memory for ran in runs) / MB, "MB")
    few, many = sorted(costs)[-2:]
    what = f"plan, growth of CPU from {few:,} to {many:,}"
    yield Figure("cpu", what, costs[many] / costs[few], "", many / few, bench.aim(1.2))


def staged(bench):
    """What a plan costs from the first page to its text, in memory; the program counts the CPU of that alone"""
    (count,) = bench.sizes([1_000_000], [10_000])
    for situation, told in (("in-sync", "all in sync"), ("moved", "10 % on another key")):
        with bench.folder() as folder:
            runs = [run([bench.stages, count, situation], folder, client(folder, "")) for _ in range(TRIES)]
        seconds = min(float(ran.stdout.split()[0]) for ran in runs)
        what = f"list, diff, plan and render of {count:,}, {told}"
        yield Figure("cpu", f"{what}, CPU", seconds, "s", aim=bench.aim(1.5))
        yield Figure("cpu", f"{what}, peak memory", max(ran.memory for ran in runs) / MB, "MB")


def calls(bench):
    """Calls that a plan of N aliases makes where there are T, against what peers make by their sources"""
    for declared, total in bench.sizes([(10, 100), (100, 1_000), (1_000, 1_000), (1_000, 10_000)], [(10, 100)]):
        with bench.folder() as folder:
            write_manifest(folder / "aliases.yaml", declared)
            write_state(folder / "state.json", total)
            with Sandbox(bench.program, folder) as sandbox:
                ran = run([bench.program, "plan", "--output=json"], folder, client(folder, sandbox.url), expect=(0, DIFFERENCES))
        made, pages = sum(api_calls(ran).values()), math.ceil(total / 50)
        what = f"N = {declared:,} of T = {total:,}"
        yield Figure("calls", f"{what}: kms-alias, against T/100", made, "", math.ceil(total / PAGE))
        yield Figure("calls", f"{what}: Terraform, N x T/50", declared * pages, "", made)
        yield Figure("calls", f"{what}: Ansible, 3 x N x T/50", 3 * declared * pages, "", made)
