"""Runs the jobs of a template as GitLab's runner would, as far as ours go: it raises on all that it does not know"""

import re
import subprocess
from collections import namedtuple

import yaml

from cloud import ID_TOKEN

KEYWORDS = {
    "artifacts", "before_script", "cache", "environment", "id_tokens", "image", "interruptible", "resource_group", "rules", "script",
    "stage", "variables",
}  # fmt: skip
Ended = namedtuple("Ended", "code log")


class Unknown(Exception):
    """Something that this runner, and perhaps GitLab's, does not know"""


def load(path):
    """The jobs, with what they extend put into them"""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    stages = document.pop("stages")
    jobs = {name: whole(document, name) for name in document if not name.startswith(".")}
    for name, job in jobs.items():
        if job["stage"] not in stages or job.keys() - KEYWORDS:
            raise Unknown(f"{name}: {job.keys() - KEYWORDS or job['stage']}")
    return jobs


def whole(document, name):
    job = dict(document[name])
    base = job.pop("extends", None)
    return job if base is None else merged(whole(document, base), job)


def merged(base, over):
    """Mappings are merged, everything else is replaced"""
    both = {name: merged(base[name], over[name]) for name in base.keys() & over if isinstance(base[name], dict)}
    return base | over | both


def is_true(condition, variables):
    """`$A == $B` or `$A == "text"`, joined by &&; a variable that is not set is equal to nothing"""

    def value(text):
        if text.startswith("$"):
            return variables.get(text[1:])
        return text[1:-1]

    for part in condition.split(" && "):
        found = re.fullmatch(r'(\$\w+) == (\$\w+|"[^"]*")', part)
        if not found:
            raise Unknown(f"condition {part!r}")
        if value(found[1]) is None or value(found[1]) != value(found[2]):
            return False
    return True


def wanted(jobs, variables):
    """The names of the jobs that a pipeline with these variables has; with `when`, those that wait for somebody"""
    names = {}
    for name, job in jobs.items():
        rule = next((rule for rule in job["rules"] if is_true(rule["if"], variables)), None)
        if rule:
            names[name] = rule.get("when", "on_success")
    return names


def expanded(variables, predefined):
    """Variables may name others"""

    def value(text):
        return re.sub(r"\$(\w+)", lambda found: value(str((variables | predefined)[found[1]])), text)

    return {name: value(str(text)) for name, text in variables.items()} | predefined


def run(job, folder, environment, predefined):
    """Runs the script of a job; what is predefined comes before the variables of the job"""
    variables = expanded(job["variables"], predefined)
    variables |= {name: ID_TOKEN for name in job.get("id_tokens", {})}
    script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment | variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    return Ended(ran.returncode, ran.stdout)
