"""What every blob store promises."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest

from mogplex.blobs import open_blobs
from mogplex.domain.blob import BlobStore
from mogplex.domain.errors import BadRequest, ServiceUnavailable

LARGE = bytes(range(256)) * 8192  # 2 MiB


def test_what_is_put_is_got_under_the_name_of_its_content(blobs: BlobStore) -> None:
    for content in (b"", b"one", LARGE):
        digest = blobs.put(content)
        assert digest == hashlib.sha256(content).hexdigest()
        assert blobs.get(digest) == content


def test_the_same_content_is_there_once_and_is_new_again(blobs: BlobStore) -> None:
    digest = blobs.put(b"twice")
    (first,) = blobs.list()
    time.sleep(1.1)  # S3 tells whole seconds
    assert blobs.put(b"twice") == digest
    (entry,) = blobs.list()
    assert (entry.digest, entry.size_bytes) == (digest, 5)
    assert first.modified_at < entry.modified_at <= time.time() + 5


def test_what_is_removed_is_gone_and_that_is_no_empty_value(blobs: BlobStore) -> None:
    kept, gone = blobs.put(b"kept"), blobs.put(b"gone")
    blobs.remove(gone)
    blobs.remove(gone)
    assert [each.digest for each in blobs.list()] == [kept]
    with pytest.raises(ServiceUnavailable, match="can't be read"):
        blobs.get(gone)


def test_many_threads_may_put_at_once(blobs: BlobStore) -> None:
    contents = [b"%d" % (number % 4) for number in range(12)]
    threads = [threading.Thread(target=blobs.put, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(blobs.list())) == 4
    assert blobs.get(hashlib.sha256(b"3").hexdigest()) == b"3"


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    blobs = open_blobs(f"file://{tmp_path}")
    digest = blobs.put(b"as it was")
    (tmp_path / digest[:2] / digest).write_bytes(b"as it is")
    with pytest.raises(ServiceUnavailable, match="damaged"):
        blobs.get(digest)


def test_a_full_or_forbidden_folder_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServiceUnavailable, match="can't be written"):
        open_blobs(f"file://{tmp_path}/file/blobs").put(b"x")


def test_a_bucket_that_is_not_there_is_told(s3_url: str) -> None:
    blobs = open_blobs("s3://no-such-bucket")
    with pytest.raises(ServiceUnavailable, match="can't be written"):
        blobs.put(b"x")
    with pytest.raises(ServiceUnavailable, match="can't be listed"):
        list(blobs.list())


@pytest.mark.parametrize("url", ["ftp://host/x", "folder", "file://host/folder", "file:relative", "s3:///prefix"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        open_blobs(url)
