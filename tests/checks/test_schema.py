"""The published schema of the manifest, as editors use it: it takes what loads, and refuses what does not for its shape"""

import json
import unittest

import jsonschema
from ruamel.yaml import YAML

from program import PROGRAM, ROOT, InAFolder

CORPUS = ROOT / "tests" / "manifests"
SCHEMA = json.loads((ROOT / "schema" / "aliases.schema.json").read_text(encoding="utf-8"))

# What is no YAML, or none that has a meaning; other readers find it too, or read what they will.
UNREADABLE = {
    "anchor-cycle", "duplicate-alias", "duplicate-key", "empty", "key-type", "merge", "not-utf-8", "several-documents", "syntax", "tag", "too-large",
}
# What no schema can see: it depends on other places of the manifest, on other files, on the program, or on what a pattern cannot say.
UNSEEN = {
    "circle": "aliases follow one another",
    "follows-absent": "what another alias says",
    "follows-previous": "what another alias says",
    "ignored": "what `ignore` covers",
    "key-elsewhere": "where the target is",
    "names-alike": "other names",
    "no-such-target": "the names of targets",
    "outside-scope": "what `scope` says",
    "override-drops": "a warning",
    "override-of-nothing": "other names",
    "previous-name": "other names",
    "required-version": "the version of the program, and the syntax of such requirements",
    "role-elsewhere": "where the target is",
    "scope-everything": "a warning",
    "scope-open": "a warning",
    "doubled-prefix": "a warning",
    "scope-overlap": "other targets",
}
# Written for a program that is not this one: what is unknown now may be known then.
LATER = "required-version.yaml"
# Rules of which a schema sees one part and not the other: files, and why.
UNSEEN_HERE = {
    ("missing-keys.yaml", "missing-key"): "another file may have it",
    ("role-placeholder-default.yaml", "placeholder"): "whether there are targets",
    ("role-region-unknown.yaml", "placeholder"): "whether there are targets",
    ("selector-unmatched.yaml", "pattern"): "whether brackets are closed",
}


def reader():
    """YAML 1.2, which knows where everything is; dates are text, as in its core schema"""
    yaml = YAML(typ="rt")
    yaml.version = (1, 2)
    yaml.constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
    return yaml


def read(path):
    return reader().load(path.read_text(encoding="utf-8-sig"))


def plain(value):
    """The same without the types that know where they are: merge keys applied"""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(type(value))


def errors(manifest):
    return list(jsonschema.Draft7Validator(SCHEMA).iter_errors(plain(manifest)))


def manifests():
    """Those that are there to be copied"""
    examples = ROOT / "examples"
    single = [examples / folder / "aliases.yaml" for folder in ("access", "kubernetes")]
    found = [ROOT / "aliases.yaml", *single, *examples.glob("*.yaml"), *examples.glob("directory/**/*.yaml")]
    return sorted(found)


class Schema(InAFolder):
    def problems(self, path):
        """What the program says of a manifest"""
        ran = self.run_in_folder(PROGRAM, "validate", "-o", "json", "-f", path)
        return json.loads(ran.stdout)["problems"]

    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_its_examples_and_defaults_fit_it(self):
        def visit(schema):
            if isinstance(schema, list):
                for inner in schema:
                    visit(inner)
            if not isinstance(schema, dict):
                return
            for value in schema.get("examples", []) + ([schema["default"]] if "default" in schema else []):
                whole = {"definitions": SCHEMA["definitions"], **schema}
                self.assertEqual([error.message for error in jsonschema.Draft7Validator(whole).iter_errors(value)], [], value)
                self.seen += 1
            for inner in schema.values():
                visit(inner)

        self.seen = 0
        visit(SCHEMA)
        self.assertGreater(self.seen, 60)

    def test_it_takes_every_manifest_that_is_there_to_be_copied(self):
        self.assertGreater(len(manifests()), 6)
        for path in manifests():
            self.assertEqual([error.message for error in errors(read(path))], [], path)

    def test_it_refuses_whatever_is_refused_for_its_shape_and_nothing_else(self):
        compared, unseen, unread = 0, set(), set()
        for path in sorted(CORPUS.glob("*.yaml")):
            codes = {problem["code"] for problem in self.problems(path)}
            if path.name == LATER:
                continue
            if codes & UNREADABLE:
                unread |= codes & UNREADABLE
                continue
            hidden = {code for code in codes if code in UNSEEN or (path.name, code) in UNSEEN_HERE}
            refused = errors(read(path))
            if codes - hidden:
                self.assertNotEqual(refused, [], f"{path.name}: {sorted(codes - hidden)} can be seen")
            else:
                self.assertEqual([error.message for error in refused], [], path.name)
                unseen |= {code if code in UNSEEN else (path.name, code) for code in hidden}
            compared += 1
        self.assertGreater(compared, 70)
        # Each is there because a manifest shows that it cannot be seen.
        self.assertEqual(unseen, set(UNSEEN) | set(UNSEEN_HERE))
        self.assertEqual(unread, UNREADABLE)


if __name__ == "__main__":
    unittest.main()
