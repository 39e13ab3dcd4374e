"""Blobs as files of one folder, each under the first two letters of its name."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mogplex.blobs.naming import is_digest, require_whole
from mogplex.domain.blob import BlobEntry
from mogplex.domain.errors import BadRequest, ServiceUnavailable


class FolderBlobs:
    """A file appears whole: it is written beside its place, flushed, and renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def at(url: str) -> FolderBlobs:
        """Raises BadRequest for a URL that names a host or a relative folder."""
        parts = urlsplit(url)
        if parts.netloc or not parts.path.startswith("/"):
            raise BadRequest(f"{url!r} is no folder: write file:///absolute/path, with three slashes.")
        return FolderBlobs(Path(unquote(parts.path)))

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        with _told(f"{path} can't be written"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{digest}.{secrets.token_hex(6)}")
            try:
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            _flush_folder(path.parent)
        return digest

    def get(self, digest: str) -> bytes:
        path = self._path(digest)
        with _told(f"{path} can't be read"):
            content = path.read_bytes()
        return require_whole(digest, content, str(path))

    def list(self) -> Iterator[BlobEntry]:
        with _told(f"{self._folder} can't be listed"):
            for path in sorted(self._folder.glob("??/*")):
                if is_digest(path.name):
                    found = path.stat()
                    yield BlobEntry(path.name, found.st_size, found.st_mtime)

    def remove(self, digest: str) -> None:
        path = self._path(digest)
        with _told(f"{path} can't be removed"):
            path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise ServiceUnavailable(f"The blob {what}: {fault.strerror}.") from fault


def _flush_folder(folder: Path) -> None:
    """So that the new name outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
