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


def spare_overlaid(hook: Any) -> None:
    """Let pytest's import hook (its class) leave alone what is overlaid: it reads the files that it rewrites by itself,
    and with `python_files = *.py` those are all."""
    usual = hook._should_rewrite

    def _should_rewrite(self: Any, name: str, path: str, state: Any) -> bool:
        return os.path.realpath(path) not in _texts and bool(usual(self, name, path, state))

    hook._should_rewrite = _should_rewrite
