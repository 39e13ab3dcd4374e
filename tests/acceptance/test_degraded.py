"""A machine that holds less than it should says so, loudly: before it takes a run, and in every run that it takes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from mogplex.domain.weakness import NO_CONTROL_GROUPS, NO_ISOLATION, find_weaknesses, limits_of
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from tests.acceptance.house import RUNNER_UID, SUCCESS, House

# One more user namespace may be made, which is this one: bwrap finds a machine without them.
WITHOUT_NAMESPACES = (
    "echo 1 > /proc/sys/user/max_user_namespaces && "
    f'exec unshare -U --map-user={RUNNER_UID} --map-group={RUNNER_UID} "$@"'
)


def without_namespaces(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run mogplex as a plain user where user namespaces are used up."""
    drop = ["setpriv", f"--reuid={RUNNER_UID}", f"--regid={RUNNER_UID}", "--clear-groups"] if os.geteuid() == 0 else []
    inner = ["sh", "-c", WITHOUT_NAMESPACES, "sh", sys.executable, "-m", "mogplex", *arguments]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="mogplex-degraded-") as home:
        Path(home).chmod(0o777)
        return subprocess.run(
            [*drop, "unshare", "-Ur", *inner],
            env={**os.environ, "MOGPLEX_HOME": f"{home}/home"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def bare() -> None:
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("user namespaces can't be made here at all, so they can't be used up either")


def test_without_user_namespaces_no_run_is_taken_and_the_remedy_is_told(bare: None) -> None:
    told = without_namespaces("doctor", "--local", "--json")
    findings = {each["name"]: each for each in json.loads(told.stdout)["findings"]}
    assert told.returncode == 1
    assert "user namespaces are switched off" in findings["sandbox"]["detail"]
    assert "max_user_namespaces" in findings["sandbox"]["remedy"]
    refused = without_namespaces("serve", "--port", "0")
    assert refused.returncode != 0
    assert "No run can be executed here: user namespaces are switched off" in refused.stderr
    assert "max_user_namespaces" in refused.stderr


def test_without_isolation_every_place_says_so() -> None:
    house = House(MOGPLEX_SANDBOX="unconfined")
    try:
        house.start()
        with urllib.request.urlopen(f"{house.url}/readyz") as answer:
            assert json.load(answer)["data"]["warnings"] == [NO_ISOLATION]
        doctor = house.cli("doctor", "--local", check=False).stdout
        assert f"WARN  sandbox              {NO_ISOLATION}" in doctor
        repo = house.add_repo()
        run_id = house.run_script(repo["id"], SUCCESS)["runId"]
        ready = house.wait_for_event(run_id, "sandbox_ready")
        assert ready["payload"]["weaknesses"] == [NO_ISOLATION]
        assert NO_ISOLATION in house.log.read_text()
        house.wait(run_id)
    finally:
        house.close()


def test_without_control_groups_it_is_told() -> None:
    probe = asyncio.run(BubblewrapDriver(use_cgroups=False).probe())
    assert probe.ok
    assert find_weaknesses("bubblewrap", limits_of(probe)) == (NO_CONTROL_GROUPS,)
    assert find_weaknesses("bubblewrap", {"memory_bytes": "cgroup"}) == ()
