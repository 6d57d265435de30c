"""A peer really run, in the same minute on the same server: Ansible's amazon.aws.kms_key against moto, with 50 aliases on 50 keys

Only second runs are compared, which find all as it should be. A proxy before moto counts the calls of both.
"""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from figures import CannotRun, Figure
from pages import call, connect
from processes import Server, alone, client, run
from proxy import Counted

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "benches" / "requirements.txt"
VENV = ROOT / "target" / "benches" / "venv"
# Written last, so that an installation that was interrupted does not count
STAMP = VENV / "installed.txt"
COUNT = 50
PLAYBOOK = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - amazon.aws.kms_key: {{alias: "alias/app/service-{{{{ '%07d' % item }}}}", state: present}}
      loop: "{{{{ range({count}) | list }}}}"
"""


def peers(bench):
    (count,) = bench.sizes([COUNT], [2])
    install(bench)
    with bench.folder() as folder, moto(folder) as server, Counted(server.url) as proxy:
        environment = client(folder, proxy.url)
        peer, peer_calls = second(lambda: ansible(folder, environment, count), proxy)
        write_manifest(folder / "aliases.yaml", proxy.url)
        ours, our_calls = second(lambda: run([bench.program, "apply", "--yes"], folder, environment), proxy)
    if "changed=0" not in peer.stdout or f"{count} in sync" not in ours.stdout:
        raise CannotRun(f"a second run has still something to do: {peer.stdout[-500:]} {ours.stdout[-500:]}")
    bench.say(f"calls of Ansible {dict(peer_calls)}, of kms-alias {dict(our_calls)}")
    yield Figure("peers", f"{count} aliases on moto: kms-alias apply", ours.wall, "s")
    yield Figure("peers", f"{count} aliases on moto: Ansible, against that", peer.wall, "s", ours.wall)
    yield Figure("peers", "calls of kms-alias, counted at the server", sum(our_calls.values()), "")
    yield Figure("peers", "calls of Ansible, against that", sum(peer_calls.values()), "", sum(our_calls.values()))
    yield Figure("peers", "calls of kms-alias that list aliases", our_calls["ListAliases"], "")
    yield Figure("peers", "calls of Ansible that list aliases", peer_calls["ListAliases"], "", our_calls["ListAliases"])


def second(again, proxy):
    """What a second run takes, and which calls it makes"""
    again()
    proxy.take()
    return again(), proxy.take()


def ansible(folder, environment, count):
    (folder / "playbook.yaml").write_text(PLAYBOOK.format(count=count), encoding="utf-8")
    quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_PYTHON_INTERPRETER": str(python())}
    command = [python().parent / "ansible-playbook", "--inventory", "localhost,", "playbook.yaml"]
    return run(command, folder, environment | quiet | {"ANSIBLE_HOME": str(folder / "ansible")})


def write_manifest(path, url):
    """What Ansible has made, as kms-alias declares it"""
    connection = connect(url)
    listed = json.loads(call(connection, "ListAliases", {"Limit": 100}))["Aliases"]
    connection.close()
    entries = [f"  {alias['AliasName']}: {alias['TargetKeyId']}" for alias in listed if alias["AliasName"].startswith("alias/app/")]
    path.write_text("\n".join(["version: 1", "scope: [alias/app/]", "aliases:", *entries, ""]), encoding="utf-8")


@contextmanager
def moto(folder):
    """The server that is not ours either, from where tests/run.py has it"""
    tests = module(ROOT / "tests" / "run.py")
    try:
        # what it says is not the table
        with redirect_stdout(sys.stderr):
            tests.install()
    except tests.CannotRun as why:
        raise CannotRun(f"there is no moto: {why}") from why
    with Server([tests.python(), "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], folder, alone(folder)) as server:
        yield server


def module(path):
    """Another script of the same name as this one's"""
    spec = importlib.util.spec_from_file_location("tests_run", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def python():
    return VENV / "bin" / "python"


def install(bench):
    """Ansible and its collections, as pinned, into an environment of their own"""
    stamp = f"{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()}\n{sys.version}\n{VENV}\n{sysconfig.get_platform()}\n"
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    bench.say(f"installing Ansible into {VENV}, some 580 MB")
    shutil.rmtree(VENV, ignore_errors=True)
    pip = [python(), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    for command in (
        [sys.executable, "-m", "venv", VENV],
        [*pip, "install", "--quiet", "--no-deps", "--requirement", REQUIREMENTS],
        [*pip, "check"],
    ):
        if subprocess.run(command, stdout=sys.stderr).returncode != 0:
            raise CannotRun(f"Ansible cannot be installed: `{' '.join(str(word) for word in command)}` failed; is there a network?")
    STAMP.write_text(stamp, encoding="utf-8")
