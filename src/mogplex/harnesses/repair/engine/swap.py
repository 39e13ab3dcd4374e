"""Replaces the code of functions in a running process, so that a candidate needs no import."""

from __future__ import annotations

import functools
import gc
import os
import types
from collections.abc import Iterator

real_path = functools.lru_cache(maxsize=None)(os.path.realpath)


class CodeIndex:
    """Finds the living function objects of the repo's files. Build it before the garbage collector is frozen."""

    def __init__(self, filenames: set[str]) -> None:
        self._functions: dict[tuple[str, int, str], list[types.FunctionType]] = {}
        for thing in gc.get_objects():
            if type(thing) is types.FunctionType and real_path(thing.__code__.co_filename) in filenames:
                self._functions.setdefault(_key(thing.__code__), []).append(thing)

    def replace(self, code: types.CodeType) -> bool:
        """Give every function made from the old code the new one; False if there is none or it doesn't fit.

        Functions nested in the old one that are alive already (what a decorator returned, say) are replaced as well.
        """
        outer = self._functions.get(_key(code), [])
        if not outer:
            return False
        for function in outer:
            for old, new in list(_pairs(function.__code__, code)):
                for living in self._functions.get(_key(old), []):
                    if living.__code__ is not old:
                        continue
                    if old.co_freevars != new.co_freevars:
                        return False
                    living.__code__ = new
        return True


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
