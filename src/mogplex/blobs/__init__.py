"""Where large values lie: in a folder of one machine, or in a bucket that many share.

`open_blobs` takes the URL that the settings give and picks the store by its scheme.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from mogplex.blobs.bucket import BucketBlobs
from mogplex.blobs.folder import FolderBlobs
from mogplex.domain.blob import BlobStore
from mogplex.domain.errors import BadRequest

STORES: dict[str, Callable[[str], BlobStore]] = {"file": FolderBlobs.at, "s3": BucketBlobs.at}


def open_blobs(url: str) -> BlobStore:
    """Raises BadRequest for a URL that names no store."""
    scheme = urlsplit(url).scheme
    if scheme not in STORES:
        raise BadRequest(f"MOGPLEX_BLOBS_URL={url!r} can't be used: write file:///folder or s3://bucket/prefix.")
    return STORES[scheme](url)
