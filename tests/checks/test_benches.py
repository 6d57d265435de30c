"""That the benchmark runs and tells what it has measured; how fast anything is, no check can say"""

import json
import sys
import unittest

from program import PROGRAM, ROOT, InAFolder


class Benches(InAFolder):
    def measure(self, *cases, program=PROGRAM):
        script = ROOT / "benches" / "run.py"
        return self.run_in_folder(sys.executable, "-B", script, "--quick", "--program", program, "--json", "figures.json", *cases)

    def test_it_prints_a_table_of_the_cases_that_were_asked_for(self):
        ran = self.measure("plan", "calls")
        self.assertEqual(ran.returncode, 0, f"{ran.stdout}\n{ran.stderr}")
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in ran.stdout.splitlines() if line.startswith("| ")]
        self.assertEqual(rows[0][:3], ["case", "what", "measured"])
        self.assertEqual({row[0] for row in rows[1:]}, {"plan", "calls"})
        figures = json.loads((self.folder / "figures.json").read_text(encoding="utf-8"))["figures"]
        self.assertEqual([row[1] for row in rows[1:]], [figure["what"] for figure in figures])

    def test_the_calls_of_a_plan_are_one_a_page_and_one_to_tell_who_it_is(self):
        ran = self.measure("calls")
        self.assertEqual(ran.returncode, 0, f"{ran.stdout}\n{ran.stderr}")
        figures = json.loads((self.folder / "figures.json").read_text(encoding="utf-8"))["figures"]
        ours = next(figure for figure in figures if "kms-alias" in figure["what"])
        self.assertEqual(ours["measured"], ours["floor"] + 1)

    def test_a_case_that_cannot_be_run_fails_the_run(self):
        ran = self.measure("calls", program=sys.executable)
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertIn("calls FAILED", ran.stdout)


if __name__ == "__main__":
    unittest.main()
