"""Folders of ours that sandboxes see read-only: each built once for each version of its content, then only shown."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def place(folder: Path, fill: Callable[[Path], None]) -> Path:
    """`folder`, filled now if it isn't there yet. Its name must change with its content.

    Safe to call from several processes at once: it is made aside and renamed into place, so that what is there is
    whole. Readable by every uid, because sandboxes run under another one, and writable by ours alone.
    Raises OSError when its parent can't be written, and whatever `fill` raises.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fill(aside)
        for path in [aside, *aside.rglob("*")]:
            is_program = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if is_program else 0o644)
        aside.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, with the same content
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def copy_distribution(name: str, site: Path) -> None:
    """Copy into `site` the files that a distribution of our own environment lists, except its scripts and byte code.

    Raises PackageNotFoundError when our environment lacks it.
    """
    for file in importlib.metadata.files(name) or []:
        if ".." in file.parts or file.is_absolute() or "__pycache__" in file.parts or file.suffix == ".pyc":
            continue
        target = site / str(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)
