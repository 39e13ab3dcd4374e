"""Programs of other makers that harnesses start: where they are on this machine, and which version they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mogplex.domain.ports import Probe

VERSION_SECONDS = 30.0
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
_OTHERS_READ, _OTHERS_ENTER = 0o005, 0o001


@dataclass(frozen=True, slots=True)
class Program:
    """An executable file. `found` tells how: "setting", "package" or "PATH"."""

    path: Path
    found: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a program before it is looked for. `tried` are the versions that our tests ran with."""

    name: str
    setting: str  # the variable that names its path
    install: str  # what to type
    tried: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)  # for asking its version

    def probe(self, program: Program | None, setting: Path | None, needs: str) -> Probe:
        """Whether it can be started here. Facts: version, path, and how it was found."""
        if program is None:
            if setting is not None:
                return Probe(False, f"{self.setting}={setting} is no program", f"correct or unset {self.setting}")
            return Probe(False, f"{self.name} is not installed", self.install)
        version = read_version(program.path, self.environment)
        if version is None:
            return Probe(False, f"{program.path} --version tells no version", self.install)
        tried = "" if version in self.tried else f"; tried with {', '.join(self.tried)} only"
        facts = {"version": version, "path": str(program.path), "found": program.found}
        return Probe(True, f"needs {needs}{tried}", facts=facts)


def find_program(name: str, setting: Path | None, find_packaged: Callable[[], Path | None]) -> Program | None:
    """The first of: what the setting names, what a Python package brought, what lies in PATH.

    A setting that names no executable file is not passed over for the others: the caller gets None.
    """
    if setting is not None:
        return Program(setting.resolve(), "setting") if _is_executable(setting) else None
    packaged = find_packaged()
    if packaged is not None and _is_executable(packaged):
        return Program(packaged.resolve(), "package")
    in_path = shutil.which(name)
    return None if in_path is None else Program(Path(in_path).resolve(), "PATH")


def read_version(path: Path, environment: Mapping[str, str]) -> str | None:
    """What `--version` says, asked once per file; None when it says nothing of the kind."""
    facts = path.stat()
    try:
        return _ask_version(path, tuple(sorted(environment.items())), facts.st_mtime_ns, facts.st_size)
    except LookupError:
        return None


def show_to_sandboxes(source: Path, shared: Path) -> Path:
    """A place of the file or folder `source` that the user of sandboxes can read.

    That is `source` itself unless it lies behind a folder that is closed to others, as /root is; then it is linked,
    or where that is impossible copied, into `shared`, once per version. Raises OSError when that can't be done.
    """
    if os.geteuid() != 0 or _is_open(source):  # not root: sandboxes run as ourselves
        return source
    facts = source.stat()
    target = shared / f"{source.name}-{facts.st_mtime_ns:x}-{facts.st_ino:x}"
    if target.exists():
        return target
    shared.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{source.name}-", dir=shared))
    try:
        if source.is_dir():
            shutil.copytree(source, aside / source.name, copy_function=_link_or_copy)
        else:
            _link_or_copy(str(source), str(aside / source.name))
        (aside / source.name).rename(target)
    except OSError:
        if not target.exists():  # else another process was faster
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _is_open(path: Path) -> bool:
    entered = all(folder.stat().st_mode & _OTHERS_ENTER for folder in path.parents)
    return entered and path.stat().st_mode & _OTHERS_READ == _OTHERS_READ


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
    return target


@lru_cache(maxsize=32)
def _ask_version(path: Path, environment: tuple[tuple[str, str], ...], changed_ns: int, size_bytes: int) -> str:
    """`changed_ns` and `size_bytes` make a replaced file another question. Raises LookupError, which is not remembered:
    a machine may have been too busy."""
    with tempfile.TemporaryDirectory(prefix="mogplex-version-") as home:  # some write to their home even for this
        try:
            said = subprocess.run(
                [str(path), "--version"],
                env={"PATH": "/usr/bin:/bin", "HOME": home, **dict(environment)},
                cwd=home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=VERSION_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise LookupError(f"{path} --version: {fault}") from fault
    found = _VERSION.search(said.stdout) if said.returncode == 0 else None
    if found is None:
        raise LookupError(f"{path} --version: exit code {said.returncode}, no version")
    return found.group(0)
