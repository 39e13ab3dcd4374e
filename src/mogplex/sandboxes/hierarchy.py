"""Where in the tree of control groups this process may make groups of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits
from mogplex.sandboxes.cgroup import SUPERVISOR, Group, is_orphan, name_group

_SPLIT_CONTROLLERS = ("memory", "pids", "cpu", "cpuacct")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Parent folders by controller; in version 2 they are all the same folder."""

    parents: Mapping[str, Path]
    version: int

    @classmethod
    def detect(cls, root: Path | None = None) -> Hierarchy | None:
        """The place for our groups, or None when there is none. `root`: a version 2 folder named by the operator."""
        if root is not None:
            found = _use_unified(root)
            if found is None:
                raise SandboxError(
                    f"The control group {root} cannot be used: it must be a writable version 2 group with the memory "
                    "and pids controllers in its cgroup.subtree_control."
                )
            return cls(found, version=2)
        own = _read_own_groups()
        unified = _own_unified(own)
        if unified is not None and (found := _delegate(unified)) is not None:
            return cls(found, version=2)
        split = _own_split(own)
        return cls(split, version=1) if {"memory", "pids"} <= split.keys() else None

    def create(self, limits: Limits) -> Group:
        """A new, limited, empty group. Raises SandboxError."""
        name = name_group()
        folders = {controller: parent / name for controller, parent in self.parents.items()}
        group = Group(folders, self.version)
        try:
            for folder in dict.fromkeys(folders.values()):
                folder.mkdir()
            group.limit(limits)
        except (OSError, SandboxError) as error:
            group.remove()
            raise SandboxError(f"Cannot make a control group in {self.parents['memory']}: {error}") from error
        return group

    def sweep(self) -> int:
        """End and remove the groups of workers that no longer exist; returns how many there were."""
        names: set[str] = set()
        for parent in set(self.parents.values()):
            names.update(entry.name for entry in os.scandir(parent) if entry.is_dir() and is_orphan(entry.name))
        for name in names:
            Group({controller: parent / name for controller, parent in self.parents.items()}, self.version).remove()
        return len(names)


def find_group(pid: int) -> Group | None:
    """The group that somebody else made for a process, to read what it uses; None where memory is not accounted."""
    own = _read_own_groups(pid)
    split = _own_split(own, os.R_OK)
    if "memory" in split:
        return Group(split, version=1)
    unified = _own_unified(own)
    return Group({"memory": unified}, version=2) if unified and (unified / "memory.events").exists() else None


def _read_own_groups(pid: int | str = "self") -> dict[str, str]:
    """Controllers (comma-separated; empty for version 2) -> path of a process's group."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    fields = [line.split(":", 2) for line in lines]
    return {controllers: path for _, controllers, path in fields}


def _mounts(kind: str) -> list[tuple[str, Path, set[str]]]:
    """Mounted group trees of a kind: (path of the tree that is mounted, mount point, super-block options)."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        if right.split()[0] == kind:
            found.append((left.split()[3], Path(left.split()[4]), set(right.split()[2].split(","))))
    return found


def _locate(path: str, root: str, point: Path) -> Path | None:
    """The folder that shows group `path` in a tree mounted from `root` at `point`."""
    with contextlib.suppress(ValueError):
        folder = point / Path(path).relative_to(root)
        if folder.is_dir():
            return folder
    return None


def _own_unified(own: Mapping[str, str]) -> Path | None:
    for root, point, _ in _mounts("cgroup2"):
        folder = _locate(own.get("", ""), root, point)
        if folder is not None:
            # A restarted worker finds itself in the leaf it once moved to.
            return folder.parent if folder.name == SUPERVISOR else folder
    return None


def _own_split(own: Mapping[str, str], access: int = os.W_OK) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root, point, options in _mounts("cgroup"):
        for controllers, path in own.items():
            names = set(controllers.split(",")) & set(_SPLIT_CONTROLLERS) & options
            folder = _locate(path, root, point) if names else None
            if folder is not None and os.access(folder, access):
                found.update(dict.fromkeys(names, folder))
    return found


def _use_unified(folder: Path) -> dict[str, Path] | None:
    try:
        enabled = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return None
    if not {"memory", "pids"} <= set(enabled) or not os.access(folder, os.W_OK):
        return None
    return {name: folder for name in ("memory", "pids", "cpu") if name in enabled}


def _delegate(folder: Path) -> dict[str, Path] | None:
    """Hand our own group's controllers to groups below it. Only when we are alone in it: nobody else is moved."""
    if (found := _use_unified(folder)) is not None:
        return found
    try:
        available = set((folder / "cgroup.controllers").read_text().split())
        if not {"memory", "pids"} <= available or not os.access(folder, os.W_OK):
            return None
        if (folder / "cgroup.procs").read_text().split() != [str(os.getpid())]:
            return None
        leaf = folder / SUPERVISOR
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text(str(os.getpid()))
        wanted = sorted({"memory", "pids", "cpu"} & available)
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
    except OSError:
        return None  # the group looks like ours but is not: go on without
    return _use_unified(folder)
