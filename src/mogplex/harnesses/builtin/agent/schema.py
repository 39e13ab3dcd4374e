"""Holds a structured result to the caller's JSON Schema, so that the model can be told at once what is wrong.

It knows the keywords that schemas of results use and lets the others pass; the worker holds the result to all of them.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_FAULTS = 10
MAX_DEPTH = 50
MAX_PATTERN_CHARACTERS = 200  # longer ones may take for ever; the worker tries them where that does no harm
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def find_faults(value: Any, schema: Any) -> list[str]:
    """What is wrong, at most MAX_FAULTS lines; empty when nothing was found."""
    return _Check(schema).faults(value, schema, "the result", 0)[:MAX_FAULTS]


class _Check:
    def __init__(self, root: Any) -> None:
        self._root = root

    def faults(self, value: Any, schema: Any, where: str, depth: int) -> list[str]:
        if schema is False:
            return [f"{where} must not be there"]
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return []
        if "$ref" in schema:
            return self.faults(value, self._follow(schema["$ref"]), where, depth + 1)
        found = _kind_faults(value, schema, where)
        if found:
            return found
        if isinstance(value, dict):
            found += self._object(value, schema, where, depth)
        elif isinstance(value, list):
            found += self._array(value, schema, where, depth)
        for each in schema.get("allOf") or []:
            found += self.faults(value, each, where, depth + 1)
        for name in ("anyOf", "oneOf"):
            choices = schema.get(name)
            if choices and all(self.faults(value, each, where, depth + 1) for each in choices):
                found.append(f"{where} matches none of the {len(choices)} forms it may have")
        return found

    def _object(self, value: dict[str, Any], schema: dict[str, Any], where: str, depth: int) -> list[str]:
        properties = schema.get("properties") or {}
        found = [f"{where} lacks {name!r}" for name in schema.get("required") or [] if name not in value]
        for name, each in value.items():
            if name in properties:
                found += self.faults(each, properties[name], f"{where}.{name}", depth + 1)
            elif "patternProperties" not in schema:
                more = schema.get("additionalProperties", True)
                if more is False:
                    found.append(f"{where} may not have {name!r}; it knows {', '.join(properties) or 'no names'}")
                else:
                    found += self.faults(each, more, f"{where}.{name}", depth + 1)
        return found

    def _array(self, value: list[Any], schema: dict[str, Any], where: str, depth: int) -> list[str]:
        found = []
        if len(value) < schema.get("minItems", 0):
            found.append(f"{where} needs at least {schema['minItems']} items, it has {len(value)}")
        if "maxItems" in schema and len(value) > schema["maxItems"]:
            found.append(f"{where} may have at most {schema['maxItems']} items, it has {len(value)}")
        items = schema.get("items")
        for number, each in enumerate(value):
            found += self.faults(each, items, f"{where}[{number}]", depth + 1)
        return found

    def _follow(self, reference: str) -> Any:
        """What a reference inside the schema points at; others are left to the worker."""
        place = self._root
        if not reference.startswith("#"):
            return True
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            place = place.get(step, True) if isinstance(place, dict) else True
        return place


def _kind_faults(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    """Type, choice and bounds of one value."""
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [f"{where} must be of type {' or '.join(kinds)}, not {_show(value)}"]
    if "const" in schema and value != schema["const"]:
        return [f"{where} must be {schema['const']!r}, not {_show(value)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} must be one of {', '.join(map(repr, schema['enum']))}, not {_show(value)}"]
    found = []
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            found.append(f"{where} needs at least {schema['minLength']} characters")
        if "maxLength" in schema and len(value) > schema["maxLength"]:
            found.append(f"{where} may have at most {schema['maxLength']} characters, it has {len(value)}")
        pattern = schema.get("pattern")
        if pattern and len(value) <= MAX_PATTERN_CHARACTERS and len(pattern) <= MAX_PATTERN_CHARACTERS:
            found += [] if _matches(pattern, value) else [f"{where} must match {pattern}, not {_show(value)}"]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            found.append(f"{where} must be at least {schema['minimum']}, not {value}")
        if value > schema.get("maximum", value):
            found.append(f"{where} must be at most {schema['maximum']}, not {value}")
    return found


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(kind, object))


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # a pattern of another dialect
        return True


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"
