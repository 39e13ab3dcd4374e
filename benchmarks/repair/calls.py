"""Calls of a function as bytes, so that another process can make them again, whatever their arguments are."""

from __future__ import annotations

import copyreg
import functools
import io
import pickle
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


LOCKS = (type(threading.Lock()), type(threading.RLock()))


class _Pickler(cloudpickle.Pickler):
    """Lambdas and classes of test functions, as cloudpickle does; open files by what is in them; locks as new ones;
    functions with a cache by the function; and objects whose `__reduce__` refuses by their attributes."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, io.BufferedReader):
            return _reader, _content(value)
        if isinstance(value, LOCKS):
            return threading.RLock, ()
        if isinstance(value, functools._lru_cache_wrapper) and not _is_importable(value):
            return _cached, (value.__wrapped__, value.cache_parameters())
        decided = super().reducer_override(value)
        if decided is NotImplemented and type(value).__reduce__ is not object.__reduce__:
            try:
                value.__reduce_ex__(2)
            except TypeError:
                return copyreg.__newobj__, (type(value),), _state(value)
        return decided


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
