"""Blobs as objects of an S3-compatible bucket, through obstore (the extra `s3`), imported when it is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from mogplex.blobs.naming import is_digest, require_whole
from mogplex.domain.blob import BlobEntry
from mogplex.domain.errors import BadRequest, ServiceUnavailable

# http:// is used only where the operator names such an endpoint.
CLIENT: Any = {"timeout": "30s", "allow_http": True}
RETRIES = 3


class BucketBlobs:
    """Credentials, region and endpoint come from the usual `AWS_*` variables, or from the machine's role."""

    def __init__(self, store: Any, shown: str) -> None:
        """`store`: an obstore S3 store. `shown`: its URL, for messages."""
        self._store = store
        self._shown = shown

    @staticmethod
    def at(url: str) -> BucketBlobs:
        """Raises BadRequest without a bucket's name, or when obstore is not installed."""
        if not urlsplit(url).netloc:
            raise BadRequest(f"{url!r} names no bucket: write s3://bucket/prefix.")
        try:
            from obstore.store import S3Store  # an extra, and slow to import
        except ImportError as fault:
            raise BadRequest(f"{url} needs the extra s3: pip install '.[s3]' in Mogplex's checkout.") from fault
        try:
            store = S3Store.from_url(url, client_options=CLIENT, retry_config={"max_retries": RETRIES})
        except Exception as fault:
            # Whatever obstore makes of a URL or a variable that it can't use.
            raise BadRequest(f"{url} can't be opened: {fault}") from fault
        return BucketBlobs(store, url)

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        with self._told("can't be written"):
            self._store.put(_key(digest), content)
        return digest

    def get(self, digest: str) -> bytes:
        with self._told("can't be read"):
            content = bytes(self._store.get(_key(digest)).bytes())
        return require_whole(digest, content, f"{digest} in {self._shown}")

    def list(self) -> Iterator[BlobEntry]:
        with self._told("can't be listed"):
            for page in self._store.list():
                for each in page:
                    name = str(each["path"]).rsplit("/", 1)[-1]
                    if is_digest(name):
                        yield BlobEntry(name, int(each["size"]), each["last_modified"].timestamp())

    def remove(self, digest: str) -> None:
        with self._told("can't be removed"):
            try:
                self._store.delete(_key(digest))
            except FileNotFoundError:
                return

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as fault:
            # obstore has an exception of its own for each kind of answer, and OSErrors besides: none is for callers.
            reason = str(fault).strip().split("\n")[0][:300]
            raise ServiceUnavailable(f"The blob store {self._shown} {what}: {reason}") from fault


def _key(digest: str) -> str:
    return f"{digest[:2]}/{digest}"
