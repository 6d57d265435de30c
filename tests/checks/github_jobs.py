"""Runs the jobs of a workflow as GitHub's runner would, as far as ours go: it raises on all that it does not know

Expressions are evaluated, each step has its own files and environment, `run` is run by bash, our own action is read from action.yml, and
the actions of others are stood in for, by name.
"""

import json
import re
import subprocess
from collections import namedtuple
from pathlib import Path

import yaml

from cloud import ACCOUNT, READS, WRITES
from program import PROGRAM, ROOT

OURS = "OWNER/kms-alias"
Ended = namedtuple("Ended", "conclusion log summary outputs codes roles uploads")
SKIPPED = Ended("skipped", "", "", {}, [], [], [])


class Unknown(Exception):
    """Something that this runner, and perhaps GitHub's, does not know"""


def load(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    # In YAML 1.1 the key `on` is a boolean.
    workflow["on"] = workflow.pop(True, None)
    return workflow


TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)|(==|!=|&&|\|\||[!(),]))")
STATUS = ("always", "success", "failure", "cancelled")


class Expression:
    """One expression of GitHub's, in the grammar that our files use"""

    def __init__(self, text, contexts, functions):
        self.contexts, self.functions, self.called = contexts, functions, set()
        self.tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Unknown(f"expression {text!r} at {text[at:]!r}")
            self.tokens.append(found.groups())
            at = found.end()

    def evaluate(self):
        value = self.either()
        if self.tokens:
            raise Unknown(f"left over in an expression: {self.tokens}")
        return value

    def take(self, *operators):
        if self.tokens and self.tokens[0][2] in operators and self.tokens[0][2]:
            return self.tokens.pop(0)[2]
        return None

    def either(self):
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self):
        value = self.equal()
        while self.take("&&"):
            other = self.equal()
            value = value and other
        return value

    def equal(self):
        value = self.one()
        while operator := self.take("==", "!="):
            same = str(value).lower() == str(self.one()).lower()
            value = same == (operator == "==")
        return value

    def one(self):
        if self.take("!"):
            return not self.one()
        if self.take("("):
            value = self.either()
            self.expect(")")
            return value
        if not self.tokens:
            raise Unknown("an expression that ends too early")
        literal, name, _ = self.tokens.pop(0)
        if literal is not None:
            return literal[1:-1].replace("''", "'")
        if name is None:
            raise Unknown("an expression that begins with an operator")
        if self.take("("):
            arguments = []
            while not self.take(")"):
                arguments.append(self.either())
                self.take(",")
            self.called.add(name)
            if name not in self.functions:
                raise Unknown(f"function {name}")
            return self.functions[name](*arguments)
        return self.property(name)

    def expect(self, operator):
        if not self.take(operator):
            raise Unknown(f"an expression without {operator!r}")

    def property(self, name):
        value = self.contexts
        for part in name.split("."):
            if part not in value:
                raise Unknown(f"there is no {name}")
            value = value[part]
        return value


class Outputs(dict):
    """Of a step that need not have run, or need not have set them; those of an action are known by name"""

    def __init__(self, names=None):
        super().__init__()
        self.names = names

    def __contains__(self, name):
        return self.names is None or name in self.names

    def __missing__(self, name):
        return ""


class Job:
    """The steps of one job"""

    def __init__(self, runner, workflow, job):
        self.runner, self.job = runner, job
        self.permissions = job["permissions"]
        token = WRITES if self.permissions.get("pull-requests") == "write" else READS
        self.github = runner.github | {"token": token}
        self.environment = runner.environment | {"RUNNER_TEMP": str(runner.temp)}
        self.failed, self.log, self.summary, self.codes, self.roles, self.uploads = False, "", "", [], [], []
        self.contexts = {"github": self.github, "runner": {"temp": str(runner.temp), "os": "Linux", "arch": "X64"}}
        self.contexts["inputs"] = runner.inputs(workflow)
        self.fill(workflow["concurrency"]["group"], self.contexts)
        declared = (workflow.get("env") or {}) | (job.get("env") or {})
        self.env = {name: self.fill(value, self.contexts) for name, value in declared.items()}
        self.contexts["env"] = self.env

    def run(self):
        if not self.is_wanted(self.job, self.contexts):
            return SKIPPED
        outputs = self.steps(self.job["steps"], self.contexts, {})
        conclusion = "failure" if self.failed else "success"
        return Ended(conclusion, self.log, self.summary, outputs, self.codes, self.roles, self.uploads)

    def functions(self):
        return {
            "always": lambda: True,
            "success": lambda: not self.failed,
            "failure": lambda: self.failed,
            "cancelled": lambda: False,
            "hashFiles": lambda path: "a hash" if (self.runner.workspace / path).exists() else "",
        }

    def is_wanted(self, part, contexts):
        text = str(part.get("if", "success()")).removeprefix("${{").removesuffix("}}")
        expression = Expression(text, contexts, self.functions())
        wanted = expression.evaluate()
        return bool(wanted) and (not self.failed or not expression.called.isdisjoint(STATUS))

    def fill(self, text, contexts):
        """A text with its expressions evaluated; true and false are written small"""
        if not isinstance(text, str):
            return json.dumps(text)

        def value(found):
            value = Expression(found[1], contexts, self.functions()).evaluate()
            return json.dumps(value) if isinstance(value, bool) else str(value)

        return re.sub(r"\$\{\{(.*?)\}\}", value, text, flags=re.DOTALL)

    def steps(self, steps, contexts, extra):
        """Runs these in turn; what their outputs are, by id"""
        known = contexts["steps"] = {}
        for step in steps:
            if "id" in step:
                known[step["id"]] = {"outputs": Outputs(self.declared(step))}
        for step in steps:
            outputs = Outputs()
            if self.is_wanted(step, contexts):
                environment = extra | {name: self.fill(value, contexts) for name, value in step.get("env", {}).items()}
                call = self.script if "run" in step else self.action
                outputs = call(step, contexts, environment)
            if "id" in step:
                known[step["id"]]["outputs"].update(outputs)
        return {name: dict(step["outputs"]) for name, step in known.items()}

    def declared(self, step):
        if "run" in step:
            return None
        name = step["uses"].partition("@")[0]
        return {OURS: self.runner.ours["outputs"].keys(), "actions/cache": {"cache-hit"}}.get(name, set())

    def script(self, step, contexts, environment):
        unknown = step.keys() - {"id", "if", "name", "shell", "run", "env", "working-directory"}
        if unknown or step.get("shell", "bash") != "bash":
            raise Unknown(f"step {step}")
        if "${{" in step["run"]:
            raise Unknown("an expression in a script")
        files = {name: self.runner.temp / f"{name}-{len(self.codes)}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.touch()
        script = self.runner.temp / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        # With `shell: bash` GitHub adds pipefail.
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if "shell" in step else ["-e"]
        environment = self.environment | self.env | environment | {name: str(path) for name, path in files.items()}
        folder = self.runner.workspace / self.fill(step.get("working-directory", "."), contexts)
        ran = subprocess.run(
            ["bash", *options, str(script)], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )  # fmt: skip
        self.log += ran.stdout
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        self.codes.append(ran.returncode)
        self.failed |= ran.returncode != 0
        return parse(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))

    def action(self, step, contexts, environment):
        unknown = step.keys() - {"id", "if", "name", "uses", "with", "env"}
        if unknown:
            raise Unknown(f"step {step}")
        given = {name: self.fill(value, contexts) for name, value in step.get("with", {}).items()}
        name = step["uses"].partition("@")[0]
        return self.own(given, environment) if name == OURS else STAND_INS[name](self, given)

    def own(self, given, environment):
        """Our action; its steps see its inputs, and nothing of the workflow's steps and inputs"""
        declared = self.runner.ours["inputs"]
        if given.keys() - declared.keys():
            raise Unknown(f"inputs {given.keys() - declared.keys()}")
        missing = [name for name, value in declared.items() if value.get("required") and name not in given]
        if missing:
            raise Unknown(f"without the inputs {missing}")
        contexts = {"github": self.github, "runner": self.contexts["runner"], "env": self.env}
        defaults = {name: self.fill(value.get("default", ""), contexts) for name, value in declared.items()}
        contexts["inputs"] = defaults | given
        self.steps(self.runner.ours["runs"]["steps"], contexts, environment | {"GITHUB_ACTION_PATH": str(ROOT)})
        return {name: self.fill(output["value"], contexts) for name, output in self.runner.ours["outputs"].items()}

    def checkout(self, given):
        if given.get("persist-credentials") != "false":
            raise Unknown("the token of the job is left in the folder of git")
        return {}

    def credentials(self, given):
        if self.permissions.get("id-token") != "write":
            raise Unknown("there is no OIDC token without `id-token: write`")
        self.roles.append(given["role-to-assume"])
        self.env |= {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": given["aws-region"]}
        return {}

    def cache(self, given):
        """A cache that has the program, or none if the test says so"""
        if not given["key"].strip():
            raise Unknown("a cache without a key")
        if not self.runner.cached:
            return {"cache-hit": "false"}
        folder = Path(given["path"])
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "kms-alias").exists():
            (folder / "kms-alias").symlink_to(PROGRAM)
        return {"cache-hit": "true"}

    def upload(self, given):
        path = self.runner.workspace / (given.get("path") or given["sarif_file"])
        self.uploads.append(path.read_text(encoding="utf-8"))
        return {}


STAND_INS = {
    "actions/checkout": Job.checkout,
    "actions/cache": Job.cache,
    "actions/upload-artifact": Job.upload,
    "aws-actions/configure-aws-credentials": Job.credentials,
    "github/codeql-action/upload-sarif": Job.upload,
}


def parse(text):
    """NAME=VALUE, or NAME<<END with lines up to that end"""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        if heredoc := re.fullmatch(r"([\w-]+)<<(.+)", line):
            outputs[heredoc[1]] = "\n".join(iter(lambda: next(lines), heredoc[2]))
        elif assignment := re.fullmatch(r"([\w-]+)=(.*)", line):
            outputs[assignment[1]] = assignment[2]
        else:
            raise Unknown(f"output {line!r}")
    return outputs


class Runner:
    """A machine, in a checkout, for one event"""

    def __init__(self, workspace, temp, environment, event_name, event, **github):
        self.workspace, self.temp, self.cached = workspace, temp, True
        self.ours = load(ROOT / "action.yml")
        self.event = event
        self.github = {"repository": "o/r", "actor": "octocat", "base_ref": "", "event_name": event_name, "event": event} | github
        names = ("repository", "actor", "base_ref", "event_name", "sha", "ref")
        context = {f"GITHUB_{name.upper()}": self.github[name] for name in names}
        written = temp / "event.json"
        written.write_text(json.dumps(event), encoding="utf-8")
        own = {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_EVENT_PATH": str(written), "GITHUB_WORKSPACE": str(workspace)}
        self.environment = environment | context | own

    def inputs(self, workflow):
        dispatch = workflow["on"].get("workflow_dispatch") or {}
        return {name: "" for name in dispatch.get("inputs", {})} | self.event.get("inputs", {})

    def run(self, workflow):
        """All jobs in turn: those that need one that did not succeed are skipped"""
        ended = {}
        for name, job in workflow["jobs"].items():
            needed = job.get("needs", [])
            needed = [needed] if isinstance(needed, str) else needed
            if all(ended[other].conclusion == "success" for other in needed):
                ended[name] = Job(self, workflow, job).run()
            else:
                ended[name] = SKIPPED
        return ended
