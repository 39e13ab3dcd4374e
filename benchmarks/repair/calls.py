"""Calls of a function as bytes, so that another process can make them again, whatever their arguments are."""

from __future__ import annotations

import copyreg
import functools
import inspect
import io
import pickle
import re
import sys
import threading
from typing import Any

import cloudpickle


def packed(call: Any) -> bytes:
    """Raises an exception of any kind when an argument can't be taken to another process: a socket, a generator."""
    kept = io.BytesIO()
    _Pickler(kept).dump(call)
    return kept.getvalue()


def unpacked(data: bytes) -> Any:
    return pickle.loads(data)


REDUCING = ("__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__", "__getstate__")
LOCKS = (type(threading.Lock()), type(threading.RLock()))


class _Pickler(cloudpickle.Pickler):
    """Lambdas and classes of test functions, as cloudpickle does; open files by what is in them; locks as new ones;
    matches of patterns by matching again; functions with a cache by the function; and objects whose `__reduce__`
    refuses, or whose `__new__` wants arguments, by their attributes."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, io.BufferedReader):
            return _reader, _content(value)
        if isinstance(value, LOCKS):
            return threading.RLock, ()
        if isinstance(value, re.Match):
            return getattr(value.re, _way_of(value)), (value.string, value.pos, value.endpos)
        if isinstance(value, functools._lru_cache_wrapper) and not _is_importable(value):
            return _cached, (value.__wrapped__, value.cache_parameters())
        decided = super().reducer_override(value)
        if decided is NotImplemented and type(value).__reduce__ is not object.__reduce__:
            try:
                value.__reduce_ex__(2)
            except TypeError:
                return copyreg.__newobj__, (type(value),), _state(value)
        is_plain = decided is NotImplemented and type(value) not in copyreg.dispatch_table
        if is_plain and _is_made_with_arguments(type(value)):
            return object.__new__, (type(value),), _state(value)
        return decided


def _way_of(match: re.Match[Any]) -> str:
    """The method of its pattern that gives it again. Raises PicklingError for one of an iterator, which none does."""
    for way in ("match", "fullmatch", "search"):
        again = getattr(match.re, way)(match.string, match.pos, match.endpos)
        if again is not None and again.regs == match.regs:
            return way
    raise pickle.PicklingError(f"{match!r} can't be had again")


@functools.cache
def _is_made_with_arguments(kind: type) -> bool:
    """Whether pickle, which calls `__new__` with the class alone, could not make one of these again."""
    if any(name in vars(one) for one in kind.__mro__[:-1] for name in REDUCING) or kind.__new__ is object.__new__:
        return False
    try:
        inspect.signature(kind.__new__).bind(kind)
    except (TypeError, ValueError):  # ValueError: one in C, which doesn't tell what it takes
        return _is_plain(kind)
    return False


def _is_plain(kind: type) -> bool:
    """Whether one can be made as any object is: not one of a kind that C code lays out."""
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return True


def _content(file: io.BufferedReader) -> tuple[bytes, int]:
    position = file.tell()
    file.seek(0)
    content = file.read()
    file.seek(position)
    return content, position


def _reader(content: bytes, position: int) -> io.BytesIO:
    file = io.BytesIO(content)
    file.seek(position)
    return file


def _is_importable(value: Any) -> bool:
    return getattr(sys.modules.get(value.__module__), value.__qualname__, None) is value


def _cached(function: Any, settings: dict[str, Any]) -> Any:
    return functools.lru_cache(**settings)(function)


def _state(value: Any) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What the default of pickle restores: the object's dictionary, and its slots."""
    slots = copyreg._slotnames(type(value))  # type: ignore[attr-defined]
    return getattr(value, "__dict__", None), {name: getattr(value, name) for name in slots if hasattr(value, name)}
