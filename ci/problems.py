#!/usr/bin/env python3
"""Prints docs/problems.md: each code that `validate` can tell, with examples of what it says, out of the corpus of bad manifests

    python3 ci/problems.py > docs/problems.md
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAID = re.compile(r"^(error|warning)\[([a-z-]+)\]: (.*)$")
HELP = re.compile(r"^ *= help: (.*)$")
EXAMPLES = 2  # of a code
# What the corpus has not: files that are not there, and accounts of an organization.
OTHERS = {
    "excludes-nothing": [("warning", "`prod` excludes what is not in its OUs: 999900001111", "correct the id, or take it out")],
    "not-found": [("error", "there is no `aliases.yaml` here", "name the manifest with `-f PATH`: a file, a directory, or `-` for stdin; `kms-alias init` makes one of what is live")],
    "too-many-files": [("error", "`aliases/more` is one file or directory too many: 10000 are read", "name a directory that holds the manifest alone, and take links between directories out of it")],
    "unreadable": [("error", "`aliases.yaml` may not be read by this user", "")],
}
HEAD = """# What `validate` tells

Whatever loads the manifest tells every problem at once, as `error[CODE]: …` with the file, the line, the column and how to mend it, and ends with
exit code 3. Codes are stable: they are in `-o json`, SARIF and JUnit too. A warning stops nothing. For each code there are examples here, as the tests have
them; what a manifest can say is in [manifest.md](manifest.md).

| code | for example | help |
|---|---|---|
"""


def told(text):
    """(severity, code, sentence, help) of each problem in what validate printed"""
    found = []
    for line in text.splitlines():
        if said := SAID.match(line):
            found.append([said[1], said[2], said[3], ""])
        elif (help := HELP.match(line)) and found and not found[-1][3]:
            found[-1][3] = help[1]
    return found


def corpus():
    """Examples of each code: of different words, the shortest first"""
    examples = {code: list(all) for code, all in OTHERS.items()}
    for path in sorted((ROOT / "tests" / "manifests").glob("*.txt")):
        for severity, code, sentence, help in told(path.read_text(encoding="utf-8")):
            examples.setdefault(code, []).append((severity, sentence, help))
    return {code: chosen(all) for code, all in sorted(examples.items())}


def chosen(examples):
    kept, kinds = [], set()
    for severity, sentence, help in sorted(set(examples), key=lambda one: (len(one[1] + one[2]), one)):
        # Without what is quoted, sentences of one kind are the same.
        kind = re.sub(r"`[^`]*`|\d+", "", sentence)
        if kind not in kinds and len(kept) < EXAMPLES:
            kinds.add(kind)
            kept.append((severity, sentence, help))
    return kept


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def page():
    rows = []
    for code, examples in corpus().items():
        severities = {severity for severity, _, _ in examples}
        name = f"`{code}`" + (", a warning" if severities == {"warning"} else "")
        sentences, helps = ("<br>".join(cell(text) for text in column) for column in ([e[1] for e in examples], [e[2] for e in examples if e[2]]))
        rows.append(f"| {name} | {sentences} | {helps} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
