"""A setup's way out: to the installers' own registries, found out by asking them, and nowhere else."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from pip._internal.models.index import PyPI

from mogplex.domain.errors import WorkspaceError
from mogplex.settings import SETUP_VARIABLES
from mogplex.worker.registries import Registries, find_hosts
from tests.worker.setup_world import SetupWorld, Told, make_world, play

VARIABLES = {name: os.environ[name] for name in SETUP_VARIABLES if os.environ.get(name)}


@pytest.fixture
def world() -> Iterator[SetupWorld]:
    yield from make_world()


def is_index_there() -> bool:
    """Whether this machine reaches the package index at all."""
    context = ssl.create_default_context(cafile=VARIABLES.get("PIP_CERT"))
    try:
        with urllib.request.urlopen(f"{PyPI.simple_url}/iniconfig/", timeout=10, context=context) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def test_a_package_is_installed_from_the_index(world: SetupWorld) -> None:
    if not is_index_there():
        pytest.skip("the package index can't be reached from here")
    world.equipment = dataclasses.replace(world.equipment, registries=Registries(None, VARIABLES))
    world.commit({"requirements.txt": "iniconfig\n"})

    async def story() -> None:
        async with world.open(told=(told := Told())) as start:
            exit, said = await world.act(start, "python -c 'import iniconfig; print(iniconfig.__file__)'; env")
            assert exit.exit_code == 0, said
            assert said.startswith("/env/lib/")
            assert "_proxy" not in said, "the way out ends with the setup"
        assert told.finished["exitCode"] == 0

    play(story())


def test_a_host_that_is_not_allowed_is_refused_and_told(world: SetupWorld) -> None:
    world.equipment = dataclasses.replace(world.equipment, registries=Registries(("allowed.invalid",), {}))

    async def story() -> Told:
        fetch = "import urllib.request; urllib.request.urlopen('http://elsewhere.invalid/')"
        with pytest.raises(WorkspaceError, match="403"):
            async with world.open(f'python -c "{fetch}"', told=(told := Told())):
                raise AssertionError("the run may not go on")
        return told

    told = play(story())
    assert any("elsewhere.invalid" in (draft.message or "") for draft in told.drafts if draft.type == "log")


def test_pip_names_its_own_hosts() -> None:
    found = asyncio.run(Registries(None, {}).hosts_for(["python3"]))
    assert found == find_hosts(PyPI.url, bare=False) | {PyPI.file_storage_domain}
    assert asyncio.run(Registries(None, {}).hosts_for(["uv"])) == found


def test_the_operators_hosts_come_instead_and_mirrors_besides() -> None:
    mirror = {"PIP_INDEX_URL": "https://ann:pass@mirror.test:8443/simple", "PIP_CERT": "/etc/ssl/certs/ca.crt"}
    assert asyncio.run(Registries(("one.test",), mirror).hosts_for(["python3"])) == {"one.test", "mirror.test:8443"}
    assert asyncio.run(Registries((), {}).hosts_for(["python3", "npm"])) == frozenset()


@pytest.mark.parametrize(
    ("text", "bare", "found"),
    [
        ("https://proxy.test,direct\nsum.test\n", True, {"proxy.test", "sum.test"}),
        ("https://proxy.test|off", True, {"proxy.test"}),
        ("/etc/ssl/certs/ca.crt", True, set()),
        ("sparse+https://Index.Test/x", False, {"index.test"}),
        ("undefined", True, set()),
        ("*** CURRENT SOURCES ***\n\nhttps://gems.test/\n", True, {"gems.test"}),
    ],
)
def test_hosts_are_read_from_what_installers_print(text: str, bare: bool, found: set[str]) -> None:
    assert find_hosts(text, bare=bare) == found
