"""Files that decide what a check says: tests, what steers the tools that run them, CI's settings, and lock files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

TEST_PATTERNS = (
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "tests.py",
    "pytest.py",
    "pytest.ini",
    "tox.ini",
    "noxfile.py",
    "*.test.js",
    "*.test.ts",
    "*.test.jsx",
    "*.test.tsx",
    "*.spec.js",
    "*.spec.ts",
    "jest.config.*",
    "vitest.config.*",
    "*_test.go",
    "nextest.toml",
    "sitecustomize.py",
    "usercustomize.py",
    ".gitlab-ci.yml",
    "Jenkinsfile",
)
TEST_FOLDERS = ("tests", "test", "__tests__", "testing", "spec", ".github", ".gitlab", ".circleci")
LOCK_FILES = (
    "*.lock",
    "*.lockb",
    "package-lock.json",
    "pnpm-lock.yaml",
    "npm-shrinkwrap.json",
    "go.sum",
    "requirements*.txt",
)
# A word of a check command -> files that hold orders for that tool.
STEERED_BY = {
    "pytest": ("pyproject.toml", "setup.cfg"),
    "tox": ("pyproject.toml", "setup.cfg"),
    "make": ("Makefile", "makefile", "GNUmakefile"),
    "npm": ("package.json",),
    "npx": ("package.json",),
    "yarn": ("package.json",),
    "pnpm": ("package.json",),
    "cargo": ("Cargo.toml",),
    "just": ("justfile", "Justfile"),
}


@dataclass(frozen=True, slots=True)
class CheckFiles:
    """Which files the checks of one run depend on. Paths are relative to the repo's root.

    `patterns` are the repo's own, on top of the usual ones: fnmatch on the whole path or on the file's name; one that
    begins with `!` takes files out again, and the last that fits decides. `commands` are the checks themselves: what
    they name (`sh run_tests.sh`) and what steers their tools decides too. `root` is the folder they run in.
    """

    patterns: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    root: str = ""

    def is_test(self, path: str) -> bool:
        """A test, or a file whose only purpose is to configure tests."""
        return self._decide(path, is_test_path(path))

    def is_guarded(self, path: str) -> bool:
        """A test, or a file that steers what a check command does."""
        return self._decide(path, is_test_path(path) or path in self._steering())

    def is_depended_on(self, path: str) -> bool:
        """Any of these, or a lock file."""
        name = path.rsplit("/", 1)[-1]
        locked = any(fnmatchcase(name, pattern) for pattern in LOCK_FILES)
        return self._decide(path, locked or is_test_path(path) or path in self._steering())

    def touched(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` that checks depend on, in their order."""
        return tuple(path for path in paths if self.is_depended_on(path))

    def _decide(self, path: str, found: bool) -> bool:
        name = path.rsplit("/", 1)[-1]
        for pattern in self.patterns:
            wanted = pattern.removeprefix("!")
            if fnmatchcase(path, wanted) or fnmatchcase(name, wanted):
                found = not pattern.startswith("!")
        return found

    def _steering(self) -> frozenset[str]:
        words = {word for command in self.commands for word in re.findall(r"[\w./+-]+", command)}
        files = {word.removeprefix("./") for word in words}
        files |= {file for word in words for file in STEERED_BY.get(word.rsplit("/", 1)[-1], ())}
        return frozenset({f"{self.root}/{file}" if self.root else file for file in files} | files)


def is_test_path(path: str) -> bool:
    *folders, name = path.split("/")
    if any(folder in TEST_FOLDERS for folder in folders):
        return True
    return any(fnmatchcase(name, pattern) for pattern in TEST_PATTERNS)
