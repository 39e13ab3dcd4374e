"""Folders that the operator shows to every setup, harness and check, read-only: other Pythons, Node, Go and the like.

Each lies in the sandbox where it lies on the host, so that what was built against it stays true. Its `bin` comes into
PATH, after what a setup installed; but a folder with a Python in it only for repos that ask for that Python.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import BadRequest
from mogplex.domain.ports import Mount

# What the sandbox has at these places is its own.
_TAKEN = ("proc", "dev", "sys", "etc", "work", "env", "scratch", "repo", "report", "node_modules")
_PRIVATE = tuple(map(Path, ("/tmp", "/run", "/home", "/home/agent", "/opt")))
_SYSTEM = (Path("/usr/local/bin"), Path("/usr/bin"))
_PYTHON = re.compile(r"python(3\.\d{1,2})\Z")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that sandboxes can run, by the version that its file's name bears ("3.12")."""

    version: str
    path: Path


@dataclass(frozen=True, slots=True)
class Toolchains:
    """Make one with `Toolchains.build`."""

    folders: tuple[Path, ...] = ()

    @staticmethod
    def build(folders: Sequence[Path], runner_uid: int) -> Toolchains:
        """Raises BadRequest for a folder that isn't there, that the sandbox's user can't enter, or that lies where
        the sandbox has something of its own."""
        for folder in folders:
            fault = _fault(folder, runner_uid)
            if fault is not None:
                raise BadRequest(f"The toolchain {folder} can't be shown to sandboxes: it {fault}.")
        return Toolchains(tuple(folders))

    @property
    def mounts(self) -> tuple[Mount, ...]:
        shown = [folder for folder in self.folders if not folder.is_relative_to("/usr")]  # which every sandbox sees
        return tuple(Mount(folder, str(folder)) for folder in shown)

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(str(folder / "bin") for folder in self.folders if not _find_pythons(folder / "bin"))

    def interpreters(self) -> tuple[Interpreter, ...]:
        """Those of the folders before those of the system; of each version the first."""
        found: dict[str, Interpreter] = {}
        for folder in (*(each / "bin" for each in self.folders), *_SYSTEM):
            for each in _find_pythons(folder):
                found.setdefault(each.version, each)
        return tuple(sorted(found.values(), key=lambda each: int(each.version.split(".")[1])))

    def find_python(self, version: str) -> Interpreter | None:
        return next((each for each in self.interpreters() if each.version == version), None)


def _find_pythons(folder: Path) -> list[Interpreter]:
    try:
        names = sorted(each.name for each in folder.iterdir())
    except OSError:
        return []  # no programs there
    matches = [(match[1], folder / name) for name in names if (match := _PYTHON.match(name))]
    return [Interpreter(version, path) for version, path in matches if os.access(path, os.X_OK)]


def _fault(folder: Path, runner_uid: int) -> str | None:
    if not folder.is_absolute() or ".." in folder.parts or len(folder.parts) < 2:
        return "must be an absolute path below /"
    if folder.parts[1] in _TAKEN or folder in _PRIVATE or str(folder).startswith("/opt/mogplex"):
        return "lies where sandboxes have something of their own; use a folder like /opt/python3.12"
    if not folder.is_dir():
        return "is no folder"
    if folder.resolve() != folder:
        return f"is reached through a link; name {folder.resolve()} itself"
    for each in (folder, *folder.parents):
        facts = each.stat()
        wanted = stat.S_IXUSR if facts.st_uid == runner_uid else stat.S_IXOTH
        if not facts.st_mode & wanted:
            return f"is closed to the sandbox's user (uid {runner_uid}) by the mode of {each}; copy it elsewhere"
    return None
