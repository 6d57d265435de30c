#!/usr/bin/env python3
"""Prints grafana-dashboard.json: Grafana's own model of a dashboard, as a JSON Schema

Grafana publishes that model as a package, which needs a later Python than the tests do. To renew, with Python 3.11 or later:

    pip install 'grafana_foundation_sdk==1769699379!11.6.0'
    python grafana_dashboard.py > grafana-dashboard.json

Behind the `!` is the version of Grafana. A field that the model does not have is refused, though Grafana would pass over it.
"""

import enum
import inspect
import json
import re
import types
import typing

from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import dashboard, prometheus, stat, table, timeseries

PANELS = {"stat": stat, "table": table, "timeseries": timeseries}
LITERAL = {str: "string", bool: "boolean", int: "integer", float: "number"}
definitions = {}


def schema(hint):
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in (typing.Any, object):
        return {}
    if hint is type(None):
        return {"type": "null"}
    if hint is variants.Dataquery:
        return schema(prometheus.Dataquery)
    if hint is dashboard.Panel:
        return {"anyOf": [panel(kind, module) for kind, module in PANELS.items()]}
    if hint in LITERAL:
        return {"type": LITERAL[hint]}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [schema(choice) for choice in inner]}
    if origin is list:
        return {"type": "array", "items": schema(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(inner[1])}
    if origin is typing.Literal:
        return {"enum": list(inner)}
    if issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    return of_class(hint)


def of_class(model, name=None, **instead):
    """A reference to the definition of a class, in which some properties may be something else than the class says"""
    name = name or f"{model.__module__.rsplit('.', 1)[1]}.{model.__name__}"
    if name not in definitions:
        definitions[name] = {}  # it may be within itself
        named = re.findall(r'"(\w+)"\]? ?[=:] self\.(\w+)', inspect.getsource(model.to_json))
        hints = typing.get_type_hints(model)
        properties = {key: instead[key] if key in instead else schema(hints[attribute]) for key, attribute in named}
        assert len(properties) == len(hints), name
        definitions[name] = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"$ref": f"#/definitions/{name}"}


def panel(kind, module):
    """A panel of one kind, with the options and the settings of a field that this kind has"""
    custom = {"custom": of_class(module.FieldConfig)} if hasattr(module, "FieldConfig") else {}
    defaults = of_class(dashboard.FieldConfig, f"{kind}.FieldDefaults", **custom)
    source = of_class(dashboard.FieldConfigSource, f"{kind}.FieldConfigSource", defaults=defaults)
    return of_class(dashboard.Panel, f"{kind}.Panel", type={"const": kind}, options=of_class(module.Options), fieldConfig=source)


root = of_class(dashboard.Dashboard)
top = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A dashboard of Grafana 11.6, of panels " + ", ".join(PANELS)}
print(json.dumps(top | root | {"definitions": dict(sorted(definitions.items()))}, indent=1))
