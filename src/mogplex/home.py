"""The folder of a server: its database, its lock, its first key, and where work happens."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import secrets
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

    def read_secret_keys(self) -> tuple[str, ...]:
        """The keys that seal secrets, the current one first: from the settings, else from a file here that is made on
        first use. Raises BadRequest when they can't be read or made."""
        if self._settings.secret_keys:
            return self._settings.secret_keys
        given = self._settings.secret_key_file
        path = given or self.path / "secret.key"
        try:
            if given is None:
                _make_key(path)
            keys = tuple(line.strip() for line in path.read_text(encoding="ascii").splitlines() if line.strip())
        except (OSError, UnicodeError) as fault:
            raise BadRequest(f"The keys for secrets can't be read from {path}: {fault}") from fault
        if not keys:
            raise BadRequest(f"{path} holds no key for secrets: put one in, a line each.")
        return keys

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


def _make_key(path: Path) -> None:
    """Unless it is there. It appears whole, and the first of several processes wins."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike a renaming, this never replaces a key that sealed something already
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _is_open_to_all(path: Path) -> bool:
    """Whether any user may walk into `path`. One that doesn't exist yet will be made for us alone."""
    return path.exists() and all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))
