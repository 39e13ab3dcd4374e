"""Replaces the code of functions in a running process, so that a candidate needs no import."""

from __future__ import annotations

import base64
import functools
import gc
import marshal
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

real_path = functools.lru_cache(maxsize=None)(os.path.realpath)


class CodeIndex:
    """Finds the living function objects of the repo's files. Build it before the garbage collector is frozen.

    `is_whole`: whether all of them got their new code when an edit was applied last. A living function that was made by
    an edited one keeps its code when the new one reads other variables of its surroundings, which it doesn't have.
    """

    def __init__(self, filenames: set[str]) -> None:
        self.is_whole = True
        self._filenames = filenames
        self._functions: dict[tuple[str, int, str], list[types.FunctionType]] = {}
        self._found: set[int] = set()  # by identity: they are kept alive here
        self.find()

    def find(self) -> None:
        """Take in the functions that are new since the garbage collector was frozen."""
        for thing in gc.get_objects():
            if type(thing) is not types.FunctionType or id(thing) in self._found:
                continue
            if real_path(thing.__code__.co_filename) in self._filenames:
                self._found.add(id(thing))
                self._functions.setdefault(_key(thing.__code__), []).append(thing)

    def knows(self, path: str) -> bool:
        """Whether that file has been imported."""
        known = any(file == path for file, _, _ in self._functions)
        return known or any(_file_of(one) == path for one in list(sys.modules.values()))

    def replace(self, code: types.CodeType) -> list[tuple[types.FunctionType, types.CodeType]] | None:
        """Give every function made from the old code the new one; None if there is none or it doesn't fit.

        Functions nested in the old one that are alive already (what a decorator returned, say) are replaced as well.
        Returns what `restore` needs.
        """
        changed: list[tuple[types.FunctionType, types.CodeType]] = []
        for function in self._functions.get(_key(code), []):
            for old, new in list(_pairs(function.__code__, code)):
                for living in self._functions.get(_key(old), []):
                    if living.__code__ is not old:
                        continue
                    if old.co_freevars == new.co_freevars:
                        living.__code__ = new
                        changed.append((living, old))
                    elif living is function:
                        restore(changed)
                        return None
                    else:
                        self.is_whole = False
        return changed or None

    def apply(self, edit: dict[str, Any]) -> Undo | None:
        """Put an edit (as `search` sends it) into force; None when only an import can. Call the result to undo it."""
        self.is_whole = True
        code: types.CodeType = marshal.loads(base64.b64decode(edit["code"]))
        if edit["kind"] == "body":
            changed = self.replace(code)
            return None if changed is None else functools.partial(restore, changed)
        module = next((one for one in list(sys.modules.values()) if _file_of(one) == edit["path"]), None)
        if module is None:
            return None
        if edit["kind"] == "globals":
            before = dict(module.__dict__)
            try:
                exec(code, module.__dict__)
            except BaseException:
                _restore_globals(module.__dict__, before)  # what it had changed already is in nobody's way
                raise
            return functools.partial(_restore_globals, module.__dict__, before)
        return self._apply_signature(edit, code, dict(module.__dict__))

    def build_on(self, edit: dict[str, Any]) -> bool:
        """Put an edit into force for good, so that others are tried on top of it; False when only an import can.

        `growth` and `at`: so many lines it brings in, below that line, if that is given. The functions further down are
        given the lines that they have in the edited file, by which the others, which are made of it, find them.
        """
        if self.apply(edit) is None:
            return False
        if edit["growth"] and "at" in edit:
            self._shift(edit["path"], edit["at"], edit["growth"])
        return True

    def _shift(self, path: str, at: int, growth: int) -> None:
        shifted: dict[tuple[str, int, str], list[types.FunctionType]] = {}
        lowered: dict[int, tuple[types.CodeType, types.CodeType]] = {}
        for (file, line, name), functions in self._functions.items():
            is_below = file == path and line > at
            shifted.setdefault((file, line + growth if is_below else line, name), []).extend(functions)
            for function in functions if is_below else ():
                if function.__code__.co_firstlineno == line:  # else it is one that the edit has made
                    function.__code__ = _lowered(function.__code__, growth, lowered)
        self._functions = shifted

    def _apply_signature(self, edit: dict[str, Any], code: types.CodeType, scratch: dict[str, Any]) -> Undo | None:
        exec(code, scratch)
        names = scratch
        for owner in edit["owners"]:
            names = vars(names[owner])
        new = names[edit["function"]]
        living = self._functions.get((edit["path"], edit["line"], edit["function"]), [])
        if not living or any(one.__code__.co_freevars != new.__code__.co_freevars for one in living):
            return None
        before = [(one, one.__code__, one.__defaults__, one.__kwdefaults__) for one in living]
        for one in living:
            one.__code__, one.__defaults__, one.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
        return functools.partial(_restore_signatures, before)


Undo = Callable[[], None]


def _file_of(module: object) -> str:
    path = getattr(module, "__file__", None)
    return real_path(path) if isinstance(path, str) else ""


def _restore_globals(names: dict[str, Any], before: dict[str, Any]) -> None:
    names.clear()
    names.update(before)


def _restore_signatures(before: list[tuple[Any, Any, Any, Any]]) -> None:
    for one, code, defaults, keyword_defaults in before:
        one.__code__, one.__defaults__, one.__kwdefaults__ = code, defaults, keyword_defaults


def restore(changed: list[tuple[types.FunctionType, types.CodeType]]) -> None:
    """Undo a `replace`."""
    for function, code in reversed(changed):  # functions that share their code may be in there several times
        function.__code__ = code


def _lowered(
    code: types.CodeType, growth: int, known: dict[int, tuple[types.CodeType, types.CodeType]]
) -> types.CodeType:
    """The same code, and that of the functions in it, so many lines further down. `known`: those that were made before,
    by identity (equal ones may belong to two modules): a function that is alive and the one around it share theirs."""
    if id(code) not in known:
        inner = (_lowered(one, growth, known) if isinstance(one, types.CodeType) else one for one in code.co_consts)
        known[id(code)] = code, code.replace(co_firstlineno=code.co_firstlineno + growth, co_consts=tuple(inner))
    return known[id(code)][1]


def _key(code: types.CodeType) -> tuple[str, int, str]:
    return real_path(code.co_filename), code.co_firstlineno, code.co_name


def _pairs(old: types.CodeType, new: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """Old and new code objects that stand in the same place: matched by name and order, since lines may have moved."""
    yield old, new
    fresh: dict[str, list[types.CodeType]] = {}
    for const in new.co_consts:
        if isinstance(const, types.CodeType):
            fresh.setdefault(const.co_name, []).append(const)
    for const in old.co_consts:
        if isinstance(const, types.CodeType) and fresh.get(const.co_name):
            yield from _pairs(const, fresh[const.co_name].pop(0))
