"""A copy of the repo with a patch in it, for tests that start programs: those read the files, not our process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .pool import Plan

LEFT_OUT = {".venv", "venv", "node_modules", ".tox", ".nox", "__pycache__", ".mypy_cache", ".pytest_cache"}
MAX_BYTES, MAX_FILES = 200 * 1024**2, 20_000


def is_small(root: Path) -> bool:
    """Whether a copy of the repo, without what tools put there, costs little."""
    total, count = 0, 0
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        count += len(names)
        total += sum(os.lstat(f"{folder}/{name}").st_size for name in names)
        if total > MAX_BYTES or count > MAX_FILES:
            return False
    return True


@contextmanager
def replicated(plan: Plan, path: str, data: bytes) -> Iterator[Plan]:
    """`plan` for a copy of its root in which the file `path` (real path) holds `data`. Removed afterwards."""
    root = os.path.realpath(plan.root)
    name = tempfile.mkdtemp(prefix="repair-copy-")
    try:
        copy = Path(os.path.realpath(name)) / Path(root).name
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))

        def moved(place: str) -> str:
            return str(copy / os.path.relpath(place, root))

        Path(moved(path)).write_bytes(data)
        paths = [moved(os.path.realpath(place)) for place in plan.paths]
        # Programs that tests start find the copy before what is installed, which may be a link to the repo itself.
        known = os.environ.get("PYTHONPATH", "")
        inherited = {"PYTHONPATH": os.pathsep.join([*paths, known] if known else paths)}
        yield replace(plan, root=copy, files=[moved(file) for file in plan.files], paths=paths, environment=inherited)
    finally:
        shutil.rmtree(name, ignore_errors=True)  # what tests have left there may not be ours to remove
