"""Lets an interpreter import edited text in place of a file that stays as it is on disk."""

from __future__ import annotations

import importlib.machinery
import os
import types
from typing import Any

_texts: dict[str, str] = {}
_installed = False


def overlay(path: str, text: str) -> None:
    """From now on importing the file `path` (absolute) executes `text`."""
    global _installed
    _texts[os.path.realpath(path)] = text
    if _installed:
        return
    _installed = True
    loader: Any = importlib.machinery.SourceFileLoader
    original = loader.get_code

    def get_code(self: Any, fullname: str) -> types.CodeType | None:
        replaced = _texts.get(os.path.realpath(self.path))
        if replaced is None:
            code: types.CodeType | None = original(self, fullname)
            return code
        return compile(replaced, self.path, "exec", dont_inherit=True)

    def get_data(self: Any, path: str, read: Any = loader.get_data) -> bytes:
        replaced = _texts.get(os.path.realpath(path))
        data: bytes = read(self, path) if replaced is None else replaced.encode("utf-8")
        return data

    loader.get_code = get_code
    loader.get_data = get_data
