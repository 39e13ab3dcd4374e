"""Reads the fields of one JSON object, collecting every fault instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from mogplex.domain.branch import branch_fault, clean_root_directory, root_directory_fault
from mogplex.domain.budget import Budget
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import is_storable, kind_of, read_budget, read_commands, read_pairs, show
from mogplex.domain.worker import MOST_LABELS, label_fault

MAX_TEXT_CHARACTERS = 200
W = TypeVar("W", bound=StrEnum)


class BodyReader:
    """A method reads one field: None (or its empty form) when it is left out, null or at fault; `finish` tells faults.

    Shared by every request, so that the same mistake is told in the same words.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.faults: list[Detail] = []

    def refuse_unknown(self, known: Collection[str]) -> None:
        for name in self.body:
            if name not in known:
                self.fault(str(name), "is not a known field")

    def finish(self) -> None:
        """Raises BadRequest that names every field at fault."""
        if self.faults:
            listed = "; ".join(f"{each.field} {each.reason}" for each in self.faults)
            raise BadRequest(f"Invalid request: {listed}", self.faults)

    def fault(self, field_name: str, reason: str) -> None:
        self.faults.append(Detail(field_name[:100], reason))

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT_CHARACTERS) -> str | None:
        value = self.body.get(name)
        if value is None:
            if required:
                self.fault(name, "is required")
            return None
        if not isinstance(value, str):
            self.fault(name, f"must be a string, not {kind_of(value)}")
            return None
        value = value.strip()
        if not value:
            if required:
                self.fault(name, "is required and may not be blank")
            return None
        if len(value) > limit:
            self.fault(name, f"is too long: {len(value):,} characters, at most {limit:,}")
            return None
        if not is_storable(value):
            self.fault(name, "holds a NUL or half a surrogate pair, which is no text")
            return None
        return value

    def flag(self, name: str) -> bool:
        return self.maybe(name) or False

    def maybe(self, name: str) -> bool | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            self.fault(name, f"must be true or false, not {kind_of(value)}")
            return None
        return value

    def number(self, name: str, *, low: float, high: float) -> float | None:
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fault(name, f"must be a number from {low:g} to {high:g}, not {show(value)}")
            return None
        return float(value)

    def branch(self, name: str) -> str | None:
        value = self.text(name, limit=1000)
        if value is None:
            return None
        fault = branch_fault(value)
        if fault:
            self.fault(name, f"{value!r} is no branch name: it {fault}")
            return None
        return value

    def root_directory(self, name: str) -> str | None:
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(name, f"must be a string, not {kind_of(value)}")
            return None
        fault = root_directory_fault(value.strip())
        if fault is None and not is_storable(value):
            fault = "is not valid Unicode"
        if fault:
            self.fault(name, f"{value[:200]!r} {fault}")
            return None
        return clean_root_directory(value.strip())

    def budget(self, name: str) -> Budget:
        value = self.body.get(name)
        if value is None:
            return Budget()
        if not isinstance(value, Mapping):
            self.fault(name, f"must be an object, not {kind_of(value)}")
            return Budget()
        return read_budget(value, self.fault)

    def commands(self, name: str) -> tuple[str, ...] | None:
        value = self.body.get(name)
        return None if value is None else read_commands(name, value, self.fault)

    def pairs(self, name: str, key_pattern: re.Pattern[str], most: int, longest: int) -> dict[str, str]:
        value = self.body.get(name)
        if value is None:
            return {}
        return read_pairs(name, value, key_pattern, most, longest, self.fault)

    def whole(self, name: str, allowed: range, default: int) -> int:
        value = self.body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            self.fault(name, f"must be a whole number from {allowed[0]} to {allowed[-1]}, not {show(value)}")
            return default
        return value

    def words(self, name: str, most: int) -> tuple[str, ...]:
        """A list of short texts, none twice empty."""
        value = self.body.get(name)
        if value is None:
            return ()
        good = isinstance(value, list) and 1 <= len(value) <= most
        if not good or not all(isinstance(each, str) and each.strip() and len(each) <= 100 for each in value):
            self.fault(name, f"must be a list of 1 to {most} names")
            return ()
        if not all(is_storable(each) for each in value):
            self.fault(name, "holds a NUL or half a surrogate pair, which is no text")
            return ()
        return tuple(each.strip() for each in value)

    def worker_labels(self, name: str) -> tuple[str, ...]:
        """Labels of workers, each once and in order, so that the same wish is the same text."""
        labels = self.words(name, MOST_LABELS)
        for label in labels:
            if (fault := label_fault(label)) is not None:
                self.fault(name, fault)
        return tuple(sorted(set(labels)))

    def choice(self, name: str, words: type[W]) -> W | None:
        """One of the values of an enumeration of strings."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return words(value)
        except ValueError:
            self.fault(name, f"must be one of {', '.join(words)}, not {value!r}")
            return None
