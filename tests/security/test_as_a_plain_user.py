"""The attacks on git and by way of the proxy again, for a server that a plain user started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PLAIN_UID = 59735  # not that of another test's plain user: each would see the other's processes as its own


@pytest.mark.parametrize("name", ["test_git_attacks.py", "test_egress_attacks.py"])
def test_the_same_comes_of_it_for_a_plain_user(name: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("this test run is a plain user's already")
    # Of the forged packs some: whether git takes one does not depend on who runs it.
    chosen = "not forgeries or dot_git or endless or bomb"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / name), "-k", chosen],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=500,
        user=PLAIN_UID,
        group=PLAIN_UID,
        extra_groups=[],
    )
    if "Permission denied" in done.stderr and done.returncode != 1:
        pytest.skip(f"another user can't run {sys.executable}: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout and " failed" not in done.stdout
