"""Toolchains of the operator: read-only where they lie; a Python other than ours for a repo that asks for it."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex.domain.errors import BadRequest, WorkspaceError
from mogplex.sandboxes.runner import Runner
from mogplex.worker.toolchains import Toolchains
from tests.worker.setup_world import FROM_WHEELS, WHEEL, SetupWorld, make_world, play

OURS = f"3.{sys.version_info.minor}"
LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "__pycache__", "site-packages", "idlelib", "tkinter", "config-*", "*.a"
)


@pytest.fixture
def world() -> Iterator[SetupWorld]:
    yield from make_world()


def equip(world: SetupWorld, *folders: Path) -> None:
    toolchains = Toolchains.build(folders, Runner.detect().uid)
    world.equipment = dataclasses.replace(world.equipment, toolchains=toolchains)


def other_python(world: SetupWorld) -> tuple[str, Path]:
    """Another Python of this machine, as an operator would lay it out: where sandboxes may see it."""
    for home in sorted(Path.home().glob(".pyenv/versions/3.*.*"), reverse=True):
        version = ".".join(home.name.split(".")[:2])
        program = home / "bin" / f"python{version}"
        if version != OURS and int(version[2:]) >= 10 and program.exists():
            folder = world.top / f"python{version}"
            (folder / "bin").mkdir(parents=True)
            shutil.copytree(home / "lib" / f"python{version}", folder / "lib" / f"python{version}", ignore=LEFT_OUT)
            for library in (home / "lib").glob("libpython*.so*"):
                shutil.copy(library, folder / "lib")
            # It looks for its library where it was built; a copy must look beside itself.
            built, beside = str(home / "lib").encode(), b"$ORIGIN/../lib"
            content = program.read_bytes().replace(built, beside.ljust(len(built), b"\0"))
            (folder / "bin" / program.name).write_bytes(content)
            (folder / "bin" / program.name).chmod(0o755)
            return version, folder
    pytest.skip(f"no Python but {OURS} is on this machine: put one below ~/.pyenv/versions")


def test_a_program_of_a_toolchain_runs_in_setup_and_run_and_cannot_be_changed(world: SetupWorld) -> None:
    folder = world.top / "tool"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "answer").write_text("#!/bin/sh\necho 42\n")
    (folder / "bin" / "answer").chmod(0o755)
    equip(world, folder)

    async def story() -> None:
        async with world.open("answer > /env/said") as start:
            exit, said = await world.act(start, f"answer; cat /env/said; echo x > {folder}/bin/answer")
            assert said.split()[:2] == ["42", "42"]
            assert "Read-only" in said and exit.exit_code != 0
        async with world.open() as start:  # a repo without a setup sees it too
            assert (await world.act(start, "answer"))[1].strip() == "42"

    play(story())


def test_a_repo_gets_the_python_that_it_asks_for(world: SetupWorld) -> None:
    version, folder = other_python(world)
    equip(world, folder)
    world.commit({WHEEL[0]: WHEEL[1]})
    ask = "python -c 'import sys; print(sys.version_info[:2])'"

    async def story() -> None:
        async with world.open(FROM_WHEELS, python=version) as start:
            _, said = await world.act(start, f"{ask}; python3 -c 'import answer; print(answer.ANSWER)'")
            assert said.splitlines() == [f"({version.replace('.', ', ')})", "42"]
            with_it = start.prepared_key
        async with world.open(python=version) as start:  # nothing to install: the environment is made all the same
            assert (await world.act(start, ask))[1].strip() == f"({version.replace('.', ', ')})"
        async with world.open(FROM_WHEELS) as start:  # a folder with a Python changes nothing for who didn't ask
            assert (await world.act(start, ask))[1].strip() != f"({version.replace('.', ', ')})"
            assert start.prepared_key != with_it

    play(story())


def test_a_python_that_is_not_there_is_told_with_those_that_are(world: SetupWorld) -> None:
    async def story() -> None:
        with pytest.raises(WorkspaceError, match=r"wants Python 3\.99, but this worker has .*MOGPLEX_TOOLCHAINS"):
            async with world.open(python="3.99"):
                raise AssertionError("it was not there")

    play(story())


def test_folders_that_cannot_be_shown_are_refused_with_a_reason(world: SetupWorld) -> None:
    uid = Runner.detect().uid
    closed = world.top / "closed"
    (closed / "inner").mkdir(parents=True)
    (world.top / "link").symlink_to(world.top / "tools")
    for folder, reason in [
        (Path("relative"), "absolute path"),
        (Path("/"), "absolute path"),
        (Path("/work/x"), "something of their own"),
        (Path("/opt/mogplex/bin"), "something of their own"),
        (Path("/tmp"), "something of their own"),
        (Path("/opt/nothing-there"), "is no folder"),
    ]:
        with pytest.raises(BadRequest, match=reason):
            Toolchains.build([folder], uid)
    assert "is reached through a link" in str(_fault(world.top / "link", uid))
    closed.chmod(0o700)
    fault = _fault(closed / "inner", uid)
    assert fault is None if closed.stat().st_uid == uid else "is closed to the sandbox's user" in str(fault)


def _fault(folder: Path, uid: int) -> str | None:
    try:
        Toolchains.build([folder], uid)
    except BadRequest as refusal:
        return refusal.message
    return None
