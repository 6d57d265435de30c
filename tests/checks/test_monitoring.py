"""Alerts and the dashboard: by the parser of their language, by published schemas, and by what the program's own report has

CI has no promtool, which would run alerts.test.yml: that is done by hand when the alerts change. What is tested here is that those tests
are about these alerts.
"""

import copy
import json
import re
import unittest

import jsonschema
import promql_parser
import yaml
from program import ROOT, InAFolder
from prometheus_client.parser import text_string_to_metric_families

ALERTS = ROOT / "examples" / "prometheus" / "alerts.yml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
TESTS = yaml.safe_load(ALERTS.with_name("alerts.test.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((ROOT / "examples" / "grafana" / "kms-alias.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SPOILT = "dddd4444-0000-4000-8000-000000000004"  # a key of the sandbox that a declared alias is on


def validate(document, schema, definition=None):
    """By one of the schemas that are not ours, or by one of its definitions"""
    schema = json.loads((ROOT / "tests" / "third_party" / "schemas" / schema).read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    if definition:
        schema = schema | {"$ref": f"#/definitions/{definition}"}
    validator(schema).validate(document)


def selectors(text):
    """The series that an expression asks for, and the labels that it groups by"""
    names, labels = [], set()

    def visit(node):
        if isinstance(node, promql_parser.VectorSelector):
            names.append((node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers}))
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            labels.update(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(text), visit)
    return names, labels


def expressions():
    """Where each expression is from, and the expression"""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


class Metrics(InAFolder):
    """Against every metric that the program writes, with the values that its labels have"""

    labels = {}

    def setUp(self):
        super().setUp()
        if not self.labels:
            self.read_reports()

    def read_reports(self):
        """Once for all tests: of an apply and of a look for drift, since neither alone has every metric"""
        (self.folder / "aliases.yaml").write_text((ROOT / "aliases.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        self.kms_alias("apply", "--yes", "--sandbox=world.json", "--report", "prometheus=apply.prom")
        world = json.loads((self.folder / "world.json").read_text(encoding="utf-8"))
        world["accounts"]["111122223333"]["us-east-1"]["keys"][SPOILT]["state"] = "Disabled"
        (self.folder / "world.json").write_text(json.dumps(world), encoding="utf-8")
        self.kms_alias("drift", "--sandbox=world.json", "--report", "prometheus=drift.prom", expect=2)
        for report in ("apply.prom", "drift.prom"):
            for family in text_string_to_metric_families((self.folder / report).read_text(encoding="utf-8")):
                for sample in family.samples:
                    self.labels.setdefault(sample.name, {name: set() for name in sample.labels})
                    for name, value in sample.labels.items():
                        self.labels[sample.name][name].add(value)

    def test_every_expression_asks_for_what_the_program_writes(self):
        for place, expression in expressions():
            with self.subTest(place):
                names, grouped = selectors(expression)
                self.assertTrue(names)
                for name, wanted in names:
                    self.assertIn(name, self.labels)
                    self.assertLessEqual(set(wanted), set(self.labels[name]), name)
                    for label, value in wanted.items():
                        if not value.startswith("$"):
                            self.assertIn(value, self.labels[name][label], f"{name} has no such {label}")
                    self.assertLessEqual(grouped, set(self.labels[name]), name)

    def test_the_series_of_the_tests_of_the_alerts_are_such_as_the_program_writes(self):
        for case in TESTS["tests"]:
            for given in case.get("input_series", []):
                ((name, labels),), _ = selectors(given["series"])
                self.assertEqual(set(labels), set(self.labels[name]), given["series"])
                for label in set(labels) & {"action", "status"}:
                    self.assertIn(labels[label], self.labels[name][label])

    def test_every_label_that_a_text_tells_is_one_that_its_alert_has(self):
        for rule in RULES:
            names, dropped = selectors(rule["expr"])
            has = set.intersection(*[set(self.labels[name]) for name, _ in names]) - dropped
            for text in rule["annotations"].values():
                self.assertLessEqual(set(re.findall(r"\$labels\.(\w+)", text)), has, rule["alert"])

    def test_every_metric_is_on_the_dashboard(self):
        shown = {name for panel in PANELS for target in panel["targets"] for name, _ in selectors(target["expr"])[0]}
        # When the last run was is known by when the last success was, or by the alert that there is none.
        self.assertEqual(set(self.labels) - shown, {"kms_alias_last_run_timestamp_seconds"})

    def test_every_column_of_the_table_is_renamed_from_one_that_is_there(self):
        (table,) = [panel for panel in PANELS if panel["type"] == "table"]
        (organize,) = [step["options"] for step in table["transformations"] if step["id"] == "organize"]
        columns = {"target"} | {f"Value #{target['refId']}" for target in table["targets"]}
        self.assertEqual(set(organize["renameByName"]), columns)
        self.assertEqual(set(organize["indexByName"]), columns)
        shown = set(organize["renameByName"].values())
        self.assertLessEqual({override["matcher"]["options"] for override in table["fieldConfig"]["overrides"]}, shown)
        self.assertLessEqual({by["displayName"] for by in table["options"]["sortBy"]}, shown)


class Alerts(unittest.TestCase):
    def test_they_are_valid_rules(self):
        rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
        validate(rules, "prometheus.rules.json")
        rules["groups"][0]["rules"][0]["forr"] = "1h"
        with self.assertRaises(jsonschema.ValidationError):
            validate(rules, "prometheus.rules.json")

    def test_each_has_a_severity_a_summary_and_says_what_to_type(self):
        self.assertEqual(len({rule["alert"] for rule in RULES}), len(RULES))
        for rule in RULES:
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"})
                self.assertRegex(rule["annotations"]["description"], r"`(kms-alias|kubectl) [^`]+`")
                for text in rule["annotations"].values():
                    # What is between braces is a variable, or one that is told as a time.
                    for inside in re.findall(r"\{\{(.*?)\}\}", text):
                        self.assertRegex(inside, r"^ \$(value( \| humanizeDuration)?|labels\.\w+) $")

    def test_each_command_that_they_name_is_one_of_the_program(self):
        page = (ROOT / "README.md").read_text(encoding="utf-8")
        for rule in RULES:
            for command in re.findall(r"`kms-alias ([a-z-]+)", rule["annotations"]["description"]):
                self.assertIn(f"`kms-alias {command}", page)

    def test_each_has_a_section_in_the_documentation(self):
        page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
        for rule in RULES:
            self.assertEqual(rule["annotations"]["runbook_url"], f"https://example.com/kms-alias/docs/running.md#{rule['alert'].lower()}")
            self.assertIn(f"\n### {rule['alert']}\n", page)

    def test_each_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(self):
        self.assertEqual(TESTS["rule_files"], [ALERTS.name])
        asked = [test for case in TESTS["tests"] for test in case["alert_rule_test"]]
        for fires in (True, False):
            named = {test["alertname"] for test in asked if bool(test["exp_alerts"]) is fires}
            self.assertEqual(named, {rule["alert"] for rule in RULES}, f"fires: {fires}")

    def test_the_texts_that_the_tests_expect_are_those_of_the_alerts(self):
        templates = {rule["alert"]: rule for rule in RULES}
        for case in TESTS["tests"]:
            for test in case["alert_rule_test"]:
                rule = templates[test["alertname"]]
                for expected in test["exp_alerts"]:
                    labels = expected["exp_labels"]
                    self.assertEqual(labels["severity"], rule["labels"]["severity"])
                    for name, template in rule["annotations"].items():
                        filled = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels[match.group(1)], template)
                        pattern = r"\S.*?".join(re.escape(part) for part in re.split(r"\{\{ \$value.*?\}\}", filled))
                        self.assertRegex(expected["exp_annotations"][name], f"^{pattern}$")


class Board(unittest.TestCase):
    def test_grafana_s_own_model_knows_all_that_is_in_it(self):
        # First by itself, since what is wrong in a panel is told better so.
        for panel in PANELS:
            with self.subTest(panel["title"]):
                validate(panel, "grafana-dashboard.json", f"{panel['type']}.Panel")
        validate(DASHBOARD, "grafana-dashboard.json")

    def test_what_the_model_does_not_know_would_be_found(self):
        wrongs = [
            lambda panel: panel.update(optionz={}),
            lambda panel: panel["options"].update(colorMode="loud"),
            lambda panel: panel["gridPos"].update(w="4"),
            lambda panel: panel["targets"][0].update(expression="up"),
            lambda panel: panel["fieldConfig"]["defaults"].update(units="s"),
        ]
        for wrong in wrongs:
            dashboard = copy.deepcopy(DASHBOARD)
            (panel,) = [panel for panel in dashboard["panels"] if panel["title"] == "Held"]
            wrong(panel)
            with self.assertRaises(jsonschema.ValidationError):
                validate(dashboard, "grafana-dashboard.json")

    def test_the_panels_have_an_id_each_and_do_not_overlap(self):
        ids = [panel["id"] for panel in DASHBOARD["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = {}
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertIsNone(taken.setdefault((x, y), None), f"{panel['title']} and {taken.get((x, y))}")
                    taken[x, y] = panel["title"]

    def test_every_variable_is_declared_and_every_query_asks_the_source_that_is_chosen(self):
        declared = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
        text = json.dumps(DASHBOARD)
        used = set(re.findall(r"\$\{?(\w+)", text)) - {"__all"}
        self.assertEqual(used, set(declared))
        self.assertEqual(declared["datasource"]["type"], "datasource")
        chosen = {"type": "prometheus", "uid": "${datasource}"}
        for asked in PANELS + [target for panel in PANELS for target in panel["targets"]] + [declared["target"]]:
            self.assertEqual(asked["datasource"], chosen)

    def test_nothing_is_shown_as_well_where_there_is_no_data(self):
        for panel in PANELS:
            for target in panel["targets"]:
                self.assertNotIn("vector(", target["expr"], panel["title"])

    def test_it_can_be_imported_anywhere(self):
        self.assertNotIn("id", DASHBOARD)
        self.assertNotIn("__inputs", DASHBOARD)
        self.assertEqual(DASHBOARD["annotations"], {"list": []})


if __name__ == "__main__":
    unittest.main()
