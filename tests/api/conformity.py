"""Whether a value is as a JSON Schema says: the small part of JSON Schema that our OpenAPI document uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def faults(value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], where: str = "$") -> list[str]:
    """What is wrong, one line each. An object may have no field that the schema does not name, unless it says so."""
    if "$ref" in schema:
        return faults(value, components[schema["$ref"].rpartition("/")[2]], components, where)
    if "anyOf" in schema:
        tried = [faults(value, each, components, where) for each in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "allOf" in schema:
        merged: dict[str, Any] = {"type": "object", "required": [], "properties": {}}
        for each in schema["allOf"]:
            whole = components[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
            merged["required"] += whole["required"]
            merged["properties"].update(whole["properties"])
        return faults(value, merged, components, where)
    if "const" in schema:
        return [] if value == schema["const"] else [f"{where}: {value!r} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is not one of {schema['enum']}"]
    kinds = schema.get("type", list(_KINDS))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is_kind(value, kind) for kind in kinds):
        return [f"{where}: {value!r} is not {kinds}"]
    found: list[str] = []
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{where}: lacks {name}" for name in schema.get("required", ()) if name not in value]
        found += [f"{where}: has {name}, undocumented" for name in value if name not in schema["properties"]]
        for name, inner in schema["properties"].items():
            if name in value:
                found += faults(value[name], inner, components, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, each in enumerate(value):
            found += faults(each, schema["items"], components, f"{where}[{index}]")
    return found


def _is_kind(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])  # type: ignore[arg-type]
