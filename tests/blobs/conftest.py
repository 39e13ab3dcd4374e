"""A blob store of each kind: a folder, and a bucket of moto's S3 server on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex.blobs import open_blobs
from mogplex.domain.blob import BlobStore

BUCKET = "blobs"


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """A bucket with a prefix. AWS_* variables lead to it while the tests of this folder run."""
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    boto3.client("s3", region_name="us-east-1", endpoint_url=variables["AWS_ENDPOINT_URL"]).create_bucket(Bucket=BUCKET)
    yield f"s3://{BUCKET}/some/prefix"
    server.stop()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value


@pytest.fixture(params=["file", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """An empty store."""
    if request.param == "file":
        return open_blobs(f"file://{tmp_path}/blobs%20here")
    return open_blobs(f"{request.getfixturevalue('s3_url')}/{tmp_path.name}")
