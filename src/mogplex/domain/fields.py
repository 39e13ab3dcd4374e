"""Readers of single fields, shared by every request: they report faults instead of raising, so that all are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mogplex.domain.budget import Budget

MAX_COMMANDS = 20
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
LABEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}\Z")

ReportFault = Callable[[str, str], None]  # (field, reason)


def read_budget(value: Mapping[str, Any], fault: ReportFault) -> Budget:
    """A budget from its wire form; faults are reported to `fault(field, reason)`."""
    known = {"usd": float, "tokens": int, "modelCalls": int, "toolCalls": int}
    kept: dict[str, float | int] = {}
    for name, number in value.items():
        if name not in known:
            fault(f"budget.{name}", f"is not a known field; known are {', '.join(known)}")
        elif number is None:
            continue
        elif isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 1e12:
            fault(f"budget.{name}", f"must be a number above 0, not {show(number)}")
        elif known[name] is int and int(number) != number:
            fault(f"budget.{name}", f"must be a whole number, not {show(number)}")
        else:
            kept[name] = known[name](number)
    return Budget.of(kept)


def read_commands(name: str, value: Any, fault: ReportFault) -> tuple[str, ...] | None:
    """A list of shell commands; None and a fault when it is something else."""
    if not isinstance(value, list):
        fault(name, f"must be a list of commands, not {kind_of(value)}")
        return None
    if len(value) > MAX_COMMANDS:
        fault(name, f"may hold at most {MAX_COMMANDS} commands, not {len(value)}")
        return None
    commands = []
    for index, command in enumerate(value):
        if not isinstance(command, str) or not command.strip() or len(command) > 4096 or not is_storable(command):
            fault(f"{name}[{index}]", "must be a command of 1 to 4,096 characters")
        else:
            commands.append(command.strip())
    return tuple(commands)


def read_pairs(
    name: str, value: Any, key_pattern: re.Pattern[str], most: int, longest: int, fault: ReportFault
) -> dict[str, str]:
    """An object whose values are strings; faults are reported to `fault(field, reason)`."""
    if not isinstance(value, Mapping):
        fault(name, f"must be an object of strings, not {kind_of(value)}")
        return {}
    if len(value) > most:
        fault(name, f"may hold at most {most} entries, not {len(value)}")
        return {}
    pairs = {}
    for key, text in value.items():
        if not isinstance(key, str) or not key_pattern.match(key):
            fault(f"{name}.{str(key)[:60]}", f"is no valid name (pattern {key_pattern.pattern})")
        elif not isinstance(text, str) or len(text) > longest or not is_storable(text):
            fault(f"{name}.{key}", f"must be a string of at most {longest:,} characters")
        else:
            pairs[key] = text
    return pairs


def is_storable(text: str) -> bool:
    """PostgreSQL's text has no NUL, and UTF-8 has no lone surrogates: refuse what could not be read back."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def kind_of(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def show(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float | bool) else kind_of(value)
