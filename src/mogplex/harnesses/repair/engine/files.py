"""Which files of a repo may be blamed and edited: its own sources, never its tests."""

from __future__ import annotations

import os
import re
from pathlib import Path

SKIPPED_FOLDERS = {
    ".git",
    ".hg",
    ".venv",
    "venv",
    "env",
    ".env",
    "node_modules",
    "__pycache__",
    ".tox",
    ".nox",
    ".eggs",
    "build",
    "dist",
    "site-packages",
    "docs",
    "doc",
    "examples",
    ".mypy_cache",
    ".pytest_cache",
    "benchmarks",
}
TEST_FOLDER = re.compile(
    r"^(?:tests?|\w+_tests|(?:unit|functional|integration|system|regression|acceptance)_?tests?|tests_\w+"
    r"|(?:\w+_)?testcases|test_?(?:suites?|data)|testing_data)$"
)
TOOL_FOLDERS = {"tools", "scripts", "ci", "bench", "dev", "maintenance"}
TEST_NAME = re.compile(r"^(test_.*|.*_tests?|tests?|conftest|setup|noxfile|fabfile)\.py$")
MAX_FILES = 4000
MAX_FILE_BYTES = 2 * 1024**2


def is_test_path(path: str) -> bool:
    """Whether a path relative to the repo belongs to its tests (or only configures them)."""
    parts = Path(path).parts
    return any(map(TEST_FOLDER.match, parts[:-1])) or bool(TEST_NAME.match(parts[-1]))


def is_tool_path(path: str) -> bool:
    """Whether a path relative to the repo is of what developers use there: tests may run it, and mean the rest."""
    return Path(path).parts[0] in TOOL_FOLDERS


def source_files(root: Path) -> list[str]:
    """Relative paths of the Python files that may be edited, sorted; at most MAX_FILES of them."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and not name.endswith(".egg-info"))
        for name in sorted(names):
            if not name.endswith(".py"):
                continue
            full = Path(folder) / name
            path = str(full.relative_to(root))
            if is_test_path(path) or full.is_symlink() or full.stat().st_size > MAX_FILE_BYTES:
                continue
            found.append(path)
            if len(found) >= MAX_FILES:
                return found
    return found


def import_paths(root: Path) -> list[str]:
    """What goes before sys.path: the folder itself, as `python -m pytest` does, and `src` where there is one."""
    source = root / "src"
    return [str(source), str(root)] if source.is_dir() else [str(root)]
