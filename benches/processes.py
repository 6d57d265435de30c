"""Programs that are measured, and servers that they are measured against: each a process of its own, so that the time, the CPU and the
memory of one are never those of another."""

import json
import os
import re
import signal
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass

from figures import CannotRun

LONGEST = 1800  # seconds that one process may take
READY_LOOKS = 6000  # at a server that starts, fifty a second
URL = re.compile(r"http://127\.0\.0\.1:\d+(?=\s)")
DIFFERENCES = 2


@dataclass
class Ran:
    """What one process took: seconds, seconds of CPU (user and system), bytes at its peak; and what it printed

    The peak is never less than that of the Python which started it, some 20 MB: the kernel counts what is there before `exec`.
    """

    wall: float
    cpu: float
    memory: int
    stdout: str


def alone(folder, **variables):
    """What a process gets: nothing of this machine's configuration"""
    nowhere = str(folder / "no-such-file")
    settings = {"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true"}
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LANG": "C.UTF-8"} | settings | variables


def client(folder, url, **variables):
    """The same for a client of the server at `url`"""
    known = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "secret"}
    return alone(folder, **known, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1", **variables)


def run(command, folder, environment, expect=(0,)):
    """Runs a command to its end and measures it; what it prints goes to files, so that nobody has to keep up with it"""
    command = [str(word) for word in command]
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        wall, code, usage = ended(process, began)
    stdout, stderr = ((folder / name).read_text(encoding="utf-8", errors="replace") for name in ("stdout", "stderr"))
    if code not in expect:
        raise CannotRun(f"`{' '.join(command)}` ended with {code}: {(stderr or stdout)[-2000:]}")
    return Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, stdout)


def ended(process, began):
    """Waits for a process: seconds since `began`, its exit code, and what the kernel says it has used"""
    watchdog = threading.Timer(LONGEST, process.kill)
    watchdog.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        watchdog.cancel()
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return wall, process.returncode, usage


def best_and_median(runs, of="wall"):
    values = [getattr(ran, of) for ran in runs]
    return min(values), statistics.median(values)


class Server:
    """A server process on a port of its own choice, which it says; it ends with the `with`"""

    def __init__(self, command, folder, environment):
        self.command, self.environment = [str(word) for word in command], environment
        self.folder, self.said = folder, folder / "server.log"

    def __enter__(self):
        with open(self.said, "wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.url = self.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def ready(self):
        """The URL that it says it listens on; there is nothing else to wait on"""
        for _ in range(READY_LOOKS):
            said = self.said.read_text(encoding="utf-8", errors="replace")
            found = URL.search(said)
            if found:
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise CannotRun(f"`{' '.join(self.command)}` does not get ready: {said[-2000:]}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Sandbox(Server):
    """`kms-alias sandbox` with a world of its own; once it has ended, what it has recorded can be read"""

    def __init__(self, program, folder, *flags):
        self.state = folder / "state.json"
        command = [program, "sandbox", "--quiet", "--port", "0", f"--sandbox={self.state}", *flags]
        super().__init__(command, folder, alone(folder))

    def throttled(self):
        """How many writes it has refused for coming too fast"""
        trail = json.loads(self.state.read_text(encoding="utf-8")).get("trail", [])
        return sum(1 for event in trail if (event.get("error") or [""])[0] == "ThrottlingException")
