"""Looks at the reports in a folder with programs that are not ours: reports.py FOLDER ROOT EXIT_CODE

Each is `report.FORMAT`. JSON Schema by jsonschema, against the schemas of OASIS (schemas/ says where from) and our own; JUnit by
junitparser and Python's XML parser; metrics by Prometheus' own client; pages by html5lib, which takes nothing that the standard does not.
"""

import csv
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import html5lib
import jsonschema
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families

FOLDER, ROOT, EXIT = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
HERE = Path(__file__).resolve().parent
# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^.]|^[.][^/]"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}


def validate(document, schema):
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validator(schema, format_checker=validator.FORMAT_CHECKER).validate(document)


def schema_of(document):
    name = {"plan": "plan", "apply": "apply"}[document["kind"]]
    return json.loads((ROOT / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))


def look_json(text):
    document = json.loads(text)
    if document.get("kind") in ("plan", "apply"):
        schema = schema_of(document)
        validate(document, schema)
        validate(document | {"field_of_a_later_version": [1]}, schema)
        for wrong in ({**document, "kind": "other"}, {**document, "format_version": "2.0"}):
            try:
                validate(wrong, schema)
            except jsonschema.ValidationError:
                continue
            raise AssertionError("the schema takes anything")
    else:
        assert EXIT in (1, 3, 4, 5, 64) and ("error" in document or document["valid"] is False), document


def look_ndjson(text):
    assert text.endswith("\n")
    events = [json.loads(line) for line in text.splitlines()]
    assert events[0]["type"] == "version" and events[0]["ui"] == "1.0", events[0]
    for event in events:
        assert event["@level"] in ("info", "warn", "error") and event["@module"] == "kms-alias", event
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["@timestamp"]), event
        assert isinstance(event["@message"], str), event
    if EXIT in (1, 3, 64):
        assert any(e["type"] == "diagnostic" and e["@level"] == "error" for e in events), events


def look_tsv(text):
    rows = list(csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0][:3] == ["target", "action", "alias"], rows[0]
    assert {len(row) for row in rows} == {len(rows[0])}, rows


def look_sarif(text):
    document = json.loads(text)
    validate(document, json.loads((HERE / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")))
    run = document["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"], result
    prints = [result["partialFingerprints"]["kmsAliasFinding/v1"] for result in run["results"]]
    assert len(prints) == len(set(prints)), prints
    assert run["invocations"][0]["executionSuccessful"] is (EXIT in (0, 2)) or EXIT == 4, run["invocations"]
    if EXIT == 3:
        assert all(result["locations"] for result in run["results"]), run["results"]


def look_junit(text):
    root = ElementTree.fromstring(text)
    suites = JUnitXml.fromroot(root)
    cases = [case for suite in suites for case in suite]
    bad = sum(1 for case in cases if case.result)
    assert (len(cases), bad) == (suites.tests, suites.failures + suites.errors), text
    assert bad or EXIT in (0, 2), text
    for suite in suites:
        assert suite.tests == len(list(suite)), text


def look_gitlab_codequality(text):
    document = json.loads(text)
    validate(document, CODE_QUALITY)
    prints = [issue["fingerprint"] for issue in document]
    assert len(prints) == len(set(prints)), prints


def look_gitlab_terraform(text):
    # GitLab wants these three keys, and shows a report without them as failed:
    # https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/gitlab/ci/parsers/terraform/tfplan.rb
    document = json.loads(text)
    counts = {key: document.get(key) for key in ("create", "update", "delete")}
    whole = all(type(count) is int for count in counts.values())
    assert whole or (EXIT in (1, 3, 64) and not any(count is not None for count in counts.values())), document


def look_prometheus(text):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {sample.name: sample for family in families.values() for sample in family.samples}
    assert samples["kms_alias_last_run_exit_code"].value == EXIT, text
    assert samples["kms_alias_last_run_timestamp_seconds"].value > 1.6e9, text
    for family in families.values():
        assert family.documentation and family.type in ("gauge", "counter"), family
        for sample in family.samples:
            assert sample.timestamp is None and "alias" not in sample.labels, sample
    if EXIT == 1:
        assert [sample.value for sample in families["kms_alias_target_up"].samples] == [0], text


def look_html(text):
    # It raises for whatever the standard calls a parse error.
    page = html5lib.HTMLParser(strict=True).parse(text)
    within = "{http://www.w3.org/1999/xhtml}"
    names = {element.tag.removeprefix(within) for element in page.iter() if isinstance(element.tag, str)}
    assert not names & {"img", "iframe", "object", "form", "a", "link", "base"}, names
    styles = [element for element in page.iter() if "style" in element.attrib or any(name.startswith("on") for name in element.attrib)]
    assert not styles, styles
    assert len(list(page.iter(f"{within}script"))) == len(list(page.iter(f"{within}style"))) == 1, text


LOOKS = {
    "html": look_html,
    "json": look_json,
    "ndjson": look_ndjson,
    "tsv": look_tsv,
    "sarif": look_sarif,
    "junit": look_junit,
    "gitlab-codequality": look_gitlab_codequality,
    "gitlab-terraform": look_gitlab_terraform,
    "prometheus": look_prometheus,
}


def main():
    reports = sorted(FOLDER.glob("report.*"))
    assert reports, "there is no report"
    for report in reports:
        form = report.name.removeprefix("report.")
        text = report.read_text(encoding="utf-8")
        try:
            LOOKS[form](text)
        except Exception as why:
            print(f"{form}: {type(why).__name__}: {why}\n{text}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
