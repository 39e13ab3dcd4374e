"""How far a failing test gets: what is compared to see that an edit moves its failure, although it still fails."""

from __future__ import annotations

import difflib
import functools
import itertools
import os
import re
import tempfile
import types
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# How clearly it shows that an edit was a step, from 0 (not at all) to 1.
LATER_IN_TEST = 1.0
OUT_OF_THE_CODE = 0.7  # it broke off in the code under test; now only what the test compares is wrong
LATER_IN_FUNCTION = 0.6
ELSEWHERE = 0.35  # it breaks off in the code under test, but at another place or of another exception
OTHERWISE = 0.1  # the same there, of another value
CLOSER = 0.25  # the value is wrong still, and more like the one that is expected; more so the more it is like it
NAMELESS = {"NameError", "UnboundLocalError"}
NOTHING: Mapping[str, Container[str]] = {}
UNDEFINED = re.compile(r"name '(\w+)' is not defined")
LEAST_GAIN = 0.05  # of likeness, from 0 to 1
COMPARED_CHARACTERS = 300
ADDRESS = re.compile(r"0x[0-9a-f]+")
COMPARISON = re.compile(r"^(?:assert )?(.+?) (?:==|!=) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """Where and how one test failed. `line` is of the test's own file, 0 when unknown; `place` is the innermost (file,
    first line of the function, line) outside of that file, of the repo; None when the test itself found fault. `span`:
    where in that line, from column to column, when Python tells (from 3.11)."""

    kind: str
    message: str
    line: int
    place: tuple[str, int, int] | None
    span: tuple[int, int] | None = field(default=None, compare=False)

    @property
    def where(self) -> tuple[object, ...]:
        """Where one test breaks off and in which way: in the code under test, or else in the test."""
        return self.kind, self.place or self.line

    def spot(self, test: str) -> tuple[object, ...]:
        """Equal for tests (node ids) that break off at one place in one way."""
        return self.where if self.place else (*self.where, test.split("::")[0])

    def record(self) -> list[Any]:
        """For JSON; `told` reads it."""
        return [self.kind, self.message, self.line, self.place, self.span]

    @staticmethod
    def told(record: list[Any]) -> Failure:
        kind, message, line, place, span = record
        spot = (place[0], place[1], place[2]) if place else None
        return Failure(kind, message, line, spot, (span[0], span[1]) if span else None)


def without_shift(after: Failure, before: Failure, growth: int) -> Failure:
    """The failure with an edit that brings in so many lines, told as without them if they are all that has changed."""
    if after.place is None or before.place is None or after.place[:2] != before.place[:2]:
        return after
    is_shifted = growth and after.place[2] - growth == before.place[2]
    return replace(after, place=before.place) if is_shifted else after


def told_failures(record: dict[str, Any]) -> dict[str, Failure]:
    """How tests fail with an edit, in what a worker says of it; of some that isn't known."""
    return {test: Failure.told(one) for test, one in record["failures"].items() if one}


def failure_of(item: Any, error: BaseException | None) -> Failure:
    """What an exception tells. `item` is pytest's."""
    own = os.path.realpath(str(item.path) if hasattr(item, "path") else str(item.fspath))
    root = str(item.config.rootdir) + os.sep
    line, place, span = 0, None, None
    trace = error.__traceback__ if error is not None else None
    while trace is not None:
        code = trace.tb_frame.f_code
        file = os.path.realpath(code.co_filename)
        if file == own:
            line, place, span = trace.tb_lineno, None, None
        elif file.startswith(root) and "site-packages" not in file:
            place, span = (file, code.co_firstlineno, trace.tb_lineno), _span(code, trace.tb_lasti)
        trace = trace.tb_next
    return Failure(type(error).__name__, _message(error), line, place, span)


def _span(code: types.CodeType, instruction: int) -> tuple[int, int] | None:
    """Of the expression that was evaluated, if it is on one line."""
    if not hasattr(code, "co_positions"):
        return None
    line, end_line, column, end_column = next(
        itertools.islice(code.co_positions(), instruction // 2, None), (None, None, None, None)
    )
    return (
        (column, end_column) if line == end_line is not None and column is not None and end_column is not None else None
    )


def _message(error: BaseException | None) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  an exception of the code under test may not even have a text
        return ""
    text = ADDRESS.sub("0x", text[: 2 * COMPARED_CHARACTERS])
    return _temporary_names(tempfile.gettempdir()).sub("temporary", text)


@functools.lru_cache(maxsize=4)
def _temporary_names(directory: str) -> re.Pattern[str]:
    """What is new each time in the name of a temporary file: that of pytest's `tmp_path`, or what `tempfile` makes."""
    return re.compile(re.escape(directory) + r"/(?:pytest/)?[^/\s'\"]+")


def progress(before: Failure, after: Failure, nameless: Mapping[str, Container[str]] = NOTHING) -> float:
    """How clearly the failure has moved on, from 0 to 1. An edit that leaves a name without a value has only broken
    something else, but for those that had none before: `nameless` tells them for each file."""
    if after.kind in NAMELESS and before.kind not in NAMELESS:
        named = UNDEFINED.match(after.message) if after.kind == "NameError" else None
        if named is None or after.place is None or named.group(1) not in nameless.get(after.place[0], ()):
            return 0.0
    if before.line != after.line:
        return LATER_IN_TEST if 0 < before.line < after.line else 0.0
    if before.place is None:
        return _gain(before, after) if after.place is None else 0.0
    if after.place is None:
        return OUT_OF_THE_CODE if after.message != before.message else 0.0
    if after.place[:2] == before.place[:2] and after.place[2] != before.place[2]:
        return LATER_IN_FUNCTION if after.place[2] > before.place[2] else 0.0
    if _has_left_inner(before, after):
        return LATER_IN_FUNCTION
    if after.where != before.where:
        return LATER_IN_FUNCTION if _is_later_in_line(before, after) else ELSEWHERE
    return OTHERWISE if after.message != before.message else 0.0


def _has_left_inner(before: Failure, after: Failure) -> bool:
    """Whether it failed in a comprehension or an inner function, and now does further on in the function around."""
    if before.place is None or after.place is None or before.place[0] != after.place[0]:
        return False
    if after.kind == "TypeError" != before.kind:  # it may be the call of the inner one that fails now
        return False
    return after.place[1] <= before.place[1] < after.place[2] and before.place[2] < after.place[2]


def _is_later_in_line(before: Failure, after: Failure) -> bool:
    """Whether what failed before is now a part of what fails, or to the left of it."""
    if before.place != after.place or before.span is None or after.span is None:
        return False
    (start, end), (later_start, later_end) = before.span, after.span
    return later_start >= end or (later_start <= start and end < later_end)


def has_moved_on(before: Failure, after: Failure) -> bool:
    """Whether what made a test fail is gone, and it fails for something else."""
    return before.kind != after.kind and progress(before, after) > 0


def _gain(before: Failure, after: Failure) -> float:
    """How much more alike the two sides of a comparison have become."""
    if before.message == after.message:
        return 0.0
    gain = _likeness(after.message) - _likeness(before.message)
    return CLOSER + (1 - CLOSER) * gain / 2 if gain >= LEAST_GAIN else 0.0


def _likeness(message: str) -> float:
    """Of the two values in `assert 3 == 4` or `3 != 4`, from 0 to 1; 0 when there are none."""
    found = COMPARISON.search(message)
    if found is None:
        return 0.0
    sides = [side[:COMPARED_CHARACTERS] for side in found.groups()]
    return difflib.SequenceMatcher(None, sides[0], sides[1], autojunk=False).ratio()
