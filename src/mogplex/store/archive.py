"""The file that a database travels in: lines of JSON, packed by gzip, with counts and a checksum at the end.

First a line about the file; then for each table a line with its name and columns and a line for each row; then a line
for each blob that rows name; last a line with the number of rows of each table and of blobs, and the SHA-256 of all
lines before it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from mogplex.domain.errors import BadRequest

FORMAT = "mogplex-export"
VERSION = 1
COMPRESSION = 6


class ArchiveWriter:
    """Made by `create_archive`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._rows: dict[str, int] = {}
        self._table = ""
        self._blobs = 0

    def begin(self, facts: Mapping[str, Any]) -> None:
        self._put({"format": FORMAT, "version": VERSION, **facts})

    def begin_table(self, name: str, columns: Sequence[str]) -> None:
        self._table = name
        self._rows[name] = 0
        self._put({"table": name, "columns": list(columns)})

    def add_row(self, row: Sequence[Any]) -> None:
        self._rows[self._table] += 1
        self._put(row)

    def add_blob(self, digest: str, content: bytes) -> None:
        self._blobs += 1
        self._put({"blob": digest, "base64": base64.b64encode(content).decode()})

    def end(self) -> dict[str, int]:
        """The number of rows of each table."""
        self._put({"rows": self._rows, "blobs": self._blobs, "sha256": self._digest.hexdigest()})
        return self._rows

    def _put(self, value: Any) -> None:
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        self._digest.update(line)
        self._stream.write(line)


@contextmanager
def create_archive(path: Path) -> Iterator[ArchiveWriter]:
    """A new file for its owner only, which appears under its name when it is whole. Raises BadRequest."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists():
            raise BadRequest(f"{path} is there already. Name another file, or remove it.")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with gzip.GzipFile(fileobj=file, mode="wb", filename="", compresslevel=COMPRESSION) as packed:
                yield ArchiveWriter(cast(BinaryIO, packed))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as fault:
        raise BadRequest(f"{path} can't be written: {fault.strerror}.") from fault
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


@contextmanager
def open_archive(path: Path) -> Iterator[Iterator[tuple[Any, int]]]:
    """Its lines one after the other, each with its size in bytes; the last one is checked before it is given.

    Raises BadRequest for what is no such file, was cut off or has changed.
    """
    try:
        with gzip.open(path, "rb") as packed:
            yield _checked_lines(path, cast(BinaryIO, packed))
    except (EOFError, zlib.error) as fault:
        raise BadRequest(f"{path} is broken or was cut off ({fault}).") from fault
    except OSError as fault:
        raise BadRequest(f"{path} can't be read: {fault.strerror or fault}.") from fault


def _is_ours(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("format"), value.get("version")) == (FORMAT, VERSION)


def _checked_lines(path: Path, stream: BinaryIO) -> Iterator[tuple[Any, int]]:
    digest = hashlib.sha256()
    first = True
    for line in stream:
        try:
            value = json.loads(line)
        except ValueError as fault:
            raise BadRequest(f"{path} holds a line that is no JSON: it is no export, or broken.") from fault
        if first and not _is_ours(value):
            raise BadRequest(f"{path} is no export that this version can read (`mogplex db export` makes them).")
        first = False
        if isinstance(value, dict) and "sha256" in value:
            if value["sha256"] != digest.hexdigest():
                raise BadRequest(f"{path} was changed after it was made: its checksum is another one.")
            yield value, len(line)
            return
        digest.update(line)
        yield value, len(line)
    raise BadRequest(f"{path} was cut off: its last line is missing.")
