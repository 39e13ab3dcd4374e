"""Records, test by test, which lines of the repo's files ran; and for failing tests the types of names on each line."""

from __future__ import annotations

import functools
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

MAX_HITS = 40  # snapshots of one line: enough to see its types, cheap enough for hot loops
MAX_NAMES = 40
PLAIN_TYPES = (str, bytes, int, float, bool, tuple, list, dict, set, frozenset, type(None))

try:
    import coverage
    from coverage.tracer import CTracer as _tracer  # noqa: F401  only to know whether the C extension fits
except (ImportError, SyntaxError, AttributeError):
    coverage = None  # type: ignore[assignment]  # absent, or made for another interpreter


class Lines:
    """Line recorder on sys.settrace: works everywhere, slow."""

    def __init__(self, root: str, files: set[str]) -> None:
        self._root = root
        self._files = files
        self._wanted: dict[str, str | None] = {}
        self._seen: dict[str, set[int]] = {}
        self._tests: dict[str, dict[str, set[int]]] = {}
        self._is_paused = False

    def start(self) -> None:
        self._is_paused = False
        sys.settrace(self._on_call)

    def switch(self, test: str) -> None:
        """What runs from now on belongs to `test`."""
        self._seen = self._tests.setdefault(test, {})
        if self._is_paused:
            self.start()

    def pause(self) -> bool:
        """Let the current test run on at its full speed, unrecorded. False when recording costs it nothing anyway."""
        self._is_paused = True
        sys.settrace(None)
        return True

    def stop(self) -> dict[str, dict[str, list[int]]]:
        """Test -> real path of a file -> the lines that ran."""
        sys.settrace(None)
        return self._result()

    def _result(self) -> dict[str, dict[str, list[int]]]:
        return {
            test: {path: sorted(lines) for path, lines in files.items() if lines} for test, files in self._tests.items()
        }

    def _path(self, filename: str) -> str | None:
        if filename not in self._wanted:
            real = os.path.realpath(filename)
            self._wanted[filename] = real if real in self._files else None
        return self._wanted[filename]

    def _on_call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        path = self._path(frame.f_code.co_filename)
        if path is None:
            return None
        add = self._seen.setdefault(path, set()).add

        def on_line(inner: types.FrameType, event: str, arg: Any) -> Any:
            add(inner.f_lineno)
            return None if self._is_paused else on_line

        return on_line


class MonitoredLines(Lines):
    """Line recorder on sys.monitoring (3.12 and newer): each line costs once per test."""

    def start(self) -> None:
        self._monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # novm: used from 3.12 on
        self._tool = self._monitoring.COVERAGE_ID
        self._monitoring.use_tool_id(self._tool, "mogplex-repair")
        self._monitoring.register_callback(self._tool, self._monitoring.events.LINE, self._on_monitored)
        self._monitoring.set_events(self._tool, self._monitoring.events.LINE)

    def switch(self, test: str) -> None:
        super().switch(test)
        self._monitoring.restart_events()

    def pause(self) -> bool:
        return False  # each line is reported once

    def stop(self) -> dict[str, dict[str, list[int]]]:
        self._monitoring.set_events(self._tool, 0)
        self._monitoring.free_tool_id(self._tool)
        return self._result()

    def _on_monitored(self, code: types.CodeType, line: int) -> Any:
        path = self._path(code.co_filename)
        if path is not None:
            self._seen.setdefault(path, set()).add(line)
        return self._monitoring.DISABLE


class CoverageLines(Lines):
    """Line recorder on coverage.py's C tracer: the fast one before 3.12.

    Its own contexts would go through a database; taking the lines out of the collector at each switch is far cheaper.
    """

    def start(self) -> None:
        if not self._is_paused:
            self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[f"{self._root}/*"])
        self._is_paused = False
        self._coverage.start()

    def switch(self, test: str) -> None:
        self._take()
        super().switch(test)

    def pause(self) -> bool:
        self._is_paused = True
        self._coverage.stop()  # and not its pause(): what it knows of the stack would be wrong later
        return True

    def stop(self) -> dict[str, dict[str, list[int]]]:
        if not self._is_paused:
            self._coverage.stop()
        self._take()
        return self._result()

    def _take(self) -> None:
        """Note what ran since the last time. Tracers keep hold of each file's lines, so those are emptied in place."""
        collector: Any = self._coverage._collector
        for filename, lines in list(collector.data.items()):
            path = self._path(filename) if lines else None
            if path is not None:
                self._seen.setdefault(path, set()).update(lines)
            lines.clear()


class Types:
    """Remembers, for each line of the given files, the types of the names (and attributes) a frame has there."""

    def __init__(self, files: set[str]) -> None:
        self._files = files
        self._wanted: dict[str, str | None] = {}
        self._hits: dict[tuple[str, int], int] = {}
        self._is_paused = False
        self.seen: dict[str, dict[int, dict[str, set[str]]]] = {}

    def start(self) -> None:
        sys.settrace(self._on_call)

    def pause(self) -> bool:
        self._is_paused = True
        sys.settrace(None)
        return True

    def stop(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        """Real path -> line -> name or name.attribute -> type names, as JSON likes it."""
        sys.settrace(None)
        return {
            path: {str(line): {name: sorted(kinds) for name, kinds in names.items()} for line, names in lines.items()}
            for path, lines in self.seen.items()
        }

    def _on_call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        filename = frame.f_code.co_filename
        if filename not in self._wanted:
            real = os.path.realpath(filename)
            self._wanted[filename] = real if real in self._files else None
        path = self._wanted[filename]
        if path is None:
            return None
        lines = self.seen.setdefault(path, {})

        def on_line(inner: types.FrameType, event: str, arg: Any) -> Any:
            if event == "line":
                where = (path, inner.f_lineno)
                hits = self._hits.get(where, 0)
                if hits < MAX_HITS:
                    self._hits[where] = hits + 1
                    _remember(lines.setdefault(inner.f_lineno, {}), inner.f_locals)
            return None if self._is_paused else on_line

        return on_line


def _remember(names: dict[str, set[str]], variables: Any) -> None:
    for name, value in list(variables.items())[:MAX_NAMES]:
        kind = type(value)
        names.setdefault(name, set()).add(kind.__name__)
        if kind.__module__ != "builtins" and not isinstance(value, (type, types.ModuleType)):
            for attribute, inner in _attributes(value, kind):
                names.setdefault(f"{name}.{attribute}", set()).add(inner)


def _attributes(value: Any, kind: type) -> Iterator[tuple[str, str]]:
    """(name, type name) of what an object holds; of properties only that they are there, for they may do anything."""
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict):
        yield from (
            (one, type(inner).__name__) for one, inner in list(attributes.items())[:MAX_NAMES] if isinstance(one, str)
        )
    try:
        slots, properties, constants = _members(kind)
    except TypeError:  # a class that can't be hashed
        slots, properties, constants = _members.__wrapped__(kind)
    for name, slot in slots:
        try:
            yield name, type(slot.__get__(value, kind)).__name__
        except AttributeError:
            continue  # not set
    yield from ((name, "property") for name in properties)
    yield from (one for one in constants if not isinstance(attributes, dict) or one[0] not in attributes)


@functools.lru_cache(maxsize=256)
def _members(kind: type) -> tuple[list[tuple[str, types.MemberDescriptorType]], list[str], list[tuple[str, str]]]:
    """The slots and the properties of a class, and its plain values with their types."""
    slots: dict[str, types.MemberDescriptorType] = {}
    properties: dict[str, None] = {}
    constants: dict[str, str] = {}
    for one in kind.__mro__:
        fields = vars(one).get("_fields")
        named = fields if isinstance(fields, tuple) else ()
        for name, member in vars(one).items():
            if isinstance(member, types.MemberDescriptorType):
                slots.setdefault(name, member)
            elif isinstance(member, (property, functools.cached_property)) or name in named:
                properties.setdefault(name)
            elif type(member) in PLAIN_TYPES and not name.startswith("__"):
                constants.setdefault(name, type(member).__name__)
    public = [name for name in properties if not name.startswith("_")]
    return list(slots.items())[:MAX_NAMES], public[:MAX_NAMES], list(constants.items())[:MAX_NAMES]


def open_line_recorder(root: str, files: set[str]) -> Lines:
    """The fastest recorder this interpreter has."""
    if sys.version_info >= (3, 12):
        return MonitoredLines(root, files)
    if coverage is not None and coverage.version_info >= (5,):  # where `CoverageLines` finds the lines since then
        return CoverageLines(root, files)
    return Lines(root, files)
