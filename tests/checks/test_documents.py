"""Every `console` block of README and docs is typed into a shell, and what comes of it is compared with what the page shows

The blocks of a page are one session: they share a folder, which begins with aliases.yaml and examples/. A line `...` stands for lines
that a page leaves out; ids of requests, times of day and how long something took are whatever they are.
"""

import re
import shutil
import subprocess
import unittest

from program import ROOT, InAFolder

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What is another one each time.
VOLATILE = [
    (re.compile(r"request [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "request ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"after \d+\.\d s \(\d+ (reads|listings)\)"), "after SOME TIME"),
    (re.compile(r"\bnot before [0-9.]+ s\b"), "not before SOME TIME"),
]


def sessions(page):
    """The commands of a page and what each shows: (command, lines)"""
    typed = []
    for block in BLOCK.findall(page):
        lines = iter(block.splitlines())
        for line in lines:
            if line.startswith("$ "):
                command, end = [line[2:]], re.search(r"<<'(\w+)'", line)
                while end and command[-1] != end[1]:
                    command.append(next(lines))
                while not end and command[-1].endswith("\\"):
                    command.append(next(lines))
                typed.append(("\n".join(command), []))
            else:
                typed[-1][1].append(line)
    return typed


# What is told only where something takes longer than a second.
PROGRESS = re.compile(r"^(applying changes|reading targets): ")


def steady(text):
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.splitlines() if not PROGRESS.match(line)]


def is_alike(shown, came):
    """Whether the lines that came are those that are shown, where `...` may stand for any"""
    if not shown:
        return not came
    if shown[0] == "...":
        return any(is_alike(shown[1:], came[at:]) for at in range(len(came) + 1))
    return bool(came) and shown[0] == came[0] and is_alike(shown[1:], came[1:])


class Documents(InAFolder):
    def test_every_session_shows_what_comes_of_it(self):
        commands = 0
        for page in PAGES:
            typed = sessions(page.read_text(encoding="utf-8"))
            folder = self.folder / page.stem
            (folder / "docs").mkdir(parents=True)
            shutil.copy(ROOT / "aliases.yaml", folder)
            shutil.copytree(ROOT / "examples", folder / "examples")
            for command, shown in typed:
                commands += 1
                with self.subTest(f"{page.name}: {command}"):
                    ran = subprocess.run(
                        ["bash", "--norc", "-c", command],
                        cwd=folder,
                        env=self.environment(XDG_STATE_HOME=folder / "state"),
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        encoding="utf-8",
                        timeout=300,
                    )
                    shown, came = steady("\n".join(shown)), steady(ran.stdout)
                    self.assertTrue(is_alike(shown, came), "the page:\n{}\nwhat came:\n{}".format("\n".join(shown), "\n".join(came)))
        self.assertGreater(commands, 15, "the pages show nothing any more")

    def test_a_page_that_shows_something_else_is_found_out(self):
        self.assertTrue(is_alike(["a", "...", "d"], ["a", "b", "c", "d"]))
        self.assertFalse(is_alike(["a", "...", "d"], ["a", "b", "c"]))
        self.assertFalse(is_alike([], ["a"]))
        self.assertEqual(sessions("```console\n$ cat <<'X'\na\nX\nb\n$ c \\\n  d\n```\n"), [("cat <<'X'\na\nX", ["b"]), ("c \\\n  d", [])])


if __name__ == "__main__":
    unittest.main()
