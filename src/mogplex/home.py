"""The folder of a server: its database, its lock, its first key, and where work happens."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from mogplex.domain.errors import BadRequest, Conflict
from mogplex.settings import Settings

ROOT_WORK_PARENT = Path("/var/lib/mogplex")


class Home:
    """`settings.home` and what belongs to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.path = settings.home

    def prepare(self) -> None:
        """Make the folder, for us alone. Raises BadRequest when it can't be made."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as fault:
            raise BadRequest(
                f"{self.path} can't be made: {fault.strerror}. Set MOGPLEX_HOME to another folder."
            ) from fault

    @property
    def work_dir(self) -> Path:
        """Where checkouts are made. A server started as root runs sandboxes as another user, who can't enter a home
        folder like /root; its work then lies in /var/lib, in a folder named after this home."""
        if self._settings.work_dir is not None:
            return self._settings.work_dir
        if os.geteuid() != 0 or _is_open_to_all(self.path):
            return self.path / "work"
        name = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return ROOT_WORK_PARENT / name

    @contextmanager
    def alone(self, url: str, database: Path | None) -> Iterator[None]:
        """Hold the lock of the SQLite file `database`: the engine's limits do not hold across processes on it.
        None: a database of another kind, which needs no lock.

        Raises Conflict that names who has it, BadRequest when there can't be such a file.
        """
        if database is None:
            yield
            return
        # Beside the file and not in the home: two homes may have been given the same file.
        path = Path(f"{database.resolve()}.lock")
        with _open(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as fault:
                file.seek(0)
                holder = file.read(200).strip() or "another process"
                raise Conflict(
                    f"sqlite:///{database} is already served by {holder}. "
                    "Use that one, stop it, or set MOGPLEX_HOME to another folder."
                ) from fault
            file.truncate(0)
            file.write(f"pid {os.getpid()} at {url}\n")
            file.flush()
            yield


def _open(path: Path) -> TextIO:
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as fault:
        raise BadRequest(
            f"{path} can't be opened: {fault.strerror}. Give this user a folder that exists and may be written to, "
            "with MOGPLEX_HOME or MOGPLEX_DATABASE_URL."
        ) from fault


def _is_open_to_all(path: Path) -> bool:
    """Whether any user may walk into `path`. One that doesn't exist yet will be made for us alone."""
    return path.exists() and all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))
