"""The contract suite of test_sandbox.py again, for podman and docker; in its own file, so that it runs beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.container_engine import ENGINES
from tests.contracts.sandbox_room import require_engine
from tests.contracts.test_sandbox import *  # noqa: F403 - each test of it, with the fixtures below
from tests.contracts.test_sandbox import VARIANTS

_made: dict[str, Any] = {}


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[None]:
    """The daemon that is there; else one of our own, which needs root and Debian's docker.io."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="mogplex-dockerd-") as folder:
        known = "DOCKER_HOST" in os.environ or Path("/var/run/docker.sock").exists()
        if known or os.geteuid() != 0 or shutil.which("dockerd") is None:
            yield
            return
        options = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
        places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
        address = f"unix://{folder}/socket"
        with Path(folder, "log").open("wb") as log:
            daemon = subprocess.Popen(["dockerd", "-H", address, *options, *places], stdout=log, stderr=log)
        patch.setenv("DOCKER_HOST", address)
        deadline = time.monotonic() + 30
        while subprocess.run(["docker", "info"], capture_output=True).returncode and time.monotonic() < deadline:
            time.sleep(0.1)
        try:
            yield
        finally:
            daemon.terminate()
            daemon.wait()


@pytest.fixture(params=ENGINES)
def variant(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("docker_daemon")
    require_engine(request.param)
    return str(request.param)


@pytest.fixture
def driver(variant: str) -> Any:
    """One for all tests, as in a worker: making one asks the engine for a lot."""
    name, settings = VARIANTS[variant]
    return _made.setdefault(name, DRIVERS[name](**settings))
