"""Keeps the bytecode of the repo's files in a folder of our own, so that a fresh start compiles nothing anew.
What pytest makes of test files takes most of the time of such a start.

The tree stays as it is. Files that were written after we began (by the tests themselves) are left out: two of them may
have one name, size and second.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib import _bootstrap_external
from pathlib import Path
from typing import Any

from _pytest.assertion import rewrite


class Shelf:
    """Where bytecode is kept: of files below `root` that are older than `since` (seconds since 1970)."""

    def __init__(self, folder: str, root: str, since: float) -> None:
        self._folder = folder
        self._root = os.path.join(root, "")  # noqa: PTH118  asked for every import
        self._since = since

    def open(self) -> None:
        """For this process and its children, from now on."""
        sys.dont_write_bytecode = False
        _bootstrap_external.cache_from_source = self.file_of
        rewrite.get_cache_dir = self.folder_of  # type: ignore[assignment]  # whose parameter has another name

    def file_of(self, path: Any, debug_override: Any = None, *, optimization: Any = None) -> str:
        """In place of `importlib.util.cache_from_source`, which stays what it is for what is installed. Raises
        NotImplementedError, as that may, where nothing is to be kept."""
        usual = importlib.util.cache_from_source(path, optimization=optimization)
        if self._is_kept(os.fspath(path)):
            return self._folder + usual
        if os.path.exists(usual):  # noqa: PTH110  asked for every import
            return usual
        raise NotImplementedError("what is not there yet is not written")

    def folder_of(self, path: Path) -> Path:
        """In place of `get_cache_dir` of pytest."""
        own = "" if self._is_kept(str(path)) else f"/{os.getpid()}"
        return Path(f"{self._folder}{own}{path.parent}")

    def _is_kept(self, path: str) -> bool:
        if not path.startswith(self._root) or "site-packages" in path:
            return False
        try:
            return os.stat(path).st_mtime <= self._since  # noqa: PTH116  asked for every import
        except OSError:
            return False
