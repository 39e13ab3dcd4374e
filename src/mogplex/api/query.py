"""Query parameters: only known ones, each once, each of its kind. What is documented is what is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import is_storable

MAX_PARAMETERS = 100
MAX_VALUE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route. `schema` is JSON Schema; type, enum, minimum and maximum are enforced for queries."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    where: str = "query"  # or "path", "header"
    required: bool = False
    repeats: bool = False


def read_query(raw: bytes, known: Sequence[Parameter]) -> dict[str, Any]:
    """Values by name, converted; a repeatable one is a list. Blank is left out. Raises BadRequest for all faults."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS, separator="&"
        )
    except UnicodeDecodeError as fault:
        raise BadRequest("The query is not UTF-8: encode it with %XX.") from fault
    except ValueError as fault:
        raise BadRequest(f"The query has more than {MAX_PARAMETERS} parameters.") from fault
    by_name = {each.name: each for each in known if each.where == "query"}
    found: dict[str, Any] = {}
    faults: list[Detail] = []
    for name, text in pairs:
        parameter = by_name.get(name)
        if parameter is None:
            listed = ", ".join(by_name) or "none"
            faults.append(Detail(name[:100], f"is not a known query parameter; known are: {listed}"))
        elif name in found and not parameter.repeats:
            faults.append(Detail(name, "is there more than once"))
        elif text.strip():
            try:
                value = _convert(text.strip(), parameter.schema)
            except ValueError as fault:
                faults.append(Detail(name, str(fault)))
                continue
            if parameter.repeats:
                found.setdefault(name, []).append(value)
            else:
                found[name] = value
    if faults:
        raise BadRequest("Invalid query: " + "; ".join(f"{each.field} {each.reason}" for each in faults[:20]), faults)
    return found


def _convert(text: str, schema: Mapping[str, Any]) -> Any:
    if len(text) > MAX_VALUE_CHARACTERS or not is_storable(text):
        raise ValueError(f"must be text of at most {MAX_VALUE_CHARACTERS:,} characters, without NUL")
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _convert_number(text, schema)
    if "enum" in schema and text not in schema["enum"]:
        raise ValueError(f"must be one of {', '.join(schema['enum'])}, not {text[:60]!r}")
    return text


def _convert_number(text: str, schema: Mapping[str, Any]) -> int | float:
    whole = schema["type"] == "integer"
    low, high = schema["minimum"], schema["maximum"]
    # int() and float() also take "1_000", "nan" and other scripts' digits
    digits = text.removeprefix("-")
    plain = digits if whole else digits.replace(".", "", 1)
    number = (int(text) if whole else float(text)) if plain.isascii() and plain.isdecimal() and len(text) < 18 else None
    if number is None or not low <= number <= high:
        noun = "a whole number" if whole else "a number"
        raise ValueError(f"must be {noun} from {low:,} to {high:,}, not {text[:60]!r}")
    return number
