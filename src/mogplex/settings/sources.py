"""Where each setting's value comes from, for people who ask why a server does what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from mogplex.settings import Settings


@dataclass(frozen=True, slots=True)
class SourcedSetting:
    """One setting. `value` is as it would be written, None when there is none; `problem` says why it can't be used."""

    name: str
    value: str | None
    is_default: bool
    is_secret: bool
    meaning: str
    problem: str | None = None


def trace_settings(environment: Mapping[str, str]) -> list[SourcedSetting]:
    """Every setting, in the order of docs/settings.md."""
    traced = []
    for each in fields(Settings):
        name, parse = each.metadata["variable"], each.metadata["parse"]
        text = environment.get(name, "").strip()
        problem = None
        if text:
            try:
                parse(text)
            except ValueError as fault:
                problem = str(fault)
        value = text or _write(each.default)
        traced.append(SourcedSetting(name, value, not text, not each.repr, each.metadata["meaning"], problem))
    return traced


def _write(value: object) -> str | None:
    """A default as one would set it."""
    if value is None or value == "" or value == ():
        return None
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
