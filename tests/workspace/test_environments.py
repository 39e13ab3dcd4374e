"""Snapshots of setups: whole or absent, never removed in use, the longest unused go first."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from mogplex.workspace.environments import Environments
from tests.workspace.git_world import ROOT, World, asynchronously

MIB = 1 << 20


def fill(size_bytes: int = MIB, name: str = "content"):  # type: ignore[no-untyped-def]
    async def build(folder: Path) -> None:
        (folder / name).write_bytes(os.urandom(size_bytes))

    return build


async def refuse(folder: Path) -> None:
    raise AssertionError(f"{folder} may not be built again")


def ages(environments: Path, key: str, seconds: int) -> None:
    record = environments / "repo" / f"{key}.json"
    now = record.stat().st_mtime
    os.utime(record, (now - seconds, now - seconds))


@asynchronously
async def test_it_is_built_once_and_kept(world: World) -> None:
    environments = Environments(world.layout, 10 * MIB)
    async with environments.open("repo", "a", fill()) as first:
        assert (first.folder / "content").stat().st_size == MIB
        assert not first.cached
        assert MIB <= first.size_bytes < 2 * MIB
        assert first.folder.stat().st_mode & 0o777 == 0o700
        if ROOT:
            assert first.folder.stat().st_uid == world.layout.runner_uid
    async with environments.open("repo", "a", refuse) as second:
        assert (second.folder, second.cached) == (first.folder, True)
    async with environments.open("other", "a", fill()) as elsewhere:
        assert not elsewhere.cached, "never across repos"


@asynchronously
async def test_a_failed_build_leaves_nothing(world: World) -> None:
    environments = Environments(world.layout, 10 * MIB)

    async def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        async with environments.open("repo", "a", fail):
            raise AssertionError("there is nothing to open")
    assert not (world.layout.environments / "repo" / "a").exists()
    async with environments.open("repo", "a", fill()) as built:
        assert sorted(path.name for path in built.folder.iterdir()) == ["content"]


@asynchronously
async def test_rubble_of_a_dead_worker_is_built_over_and_swept(world: World) -> None:
    environments = Environments(world.layout, 10 * MIB)
    for key in ("a", "b"):
        rubble = world.layout.environments / "repo" / key
        rubble.mkdir(parents=True)
        (rubble / "half").write_text("x")
    async with environments.open("repo", "a", fill()) as built:
        assert sorted(path.name for path in built.folder.iterdir()) == ["content"]
        assert not (world.layout.environments / "repo" / "b").exists()


@asynchronously
async def test_two_at_once_build_once_also_from_two_workers(world: World) -> None:
    built = []

    async def build(folder: Path) -> None:
        await asyncio.sleep(0.2)
        built.append(folder)

    async def use(environments: Environments) -> bool:
        async with environments.open("repo", "a", build) as snapshot:
            return snapshot.cached

    found = await asyncio.gather(*(use(Environments(world.layout, MIB)) for _ in range(3)))
    assert sorted(found) == [False, True, True]
    assert len(built) == 1


@asynchronously
async def test_who_waits_builds_when_the_first_fails(world: World) -> None:
    environments = Environments(world.layout, 10 * MIB)

    async def fail_late(folder: Path) -> None:
        await asyncio.sleep(0.2)
        raise RuntimeError("no")

    async def first() -> None:
        async with environments.open("repo", "a", fail_late):
            raise AssertionError("there is nothing to open")

    async def second() -> bool:
        await asyncio.sleep(0.05)
        async with environments.open("repo", "a", fill()) as snapshot:
            return snapshot.cached

    failed, cached = await asyncio.gather(first(), second(), return_exceptions=True)
    assert isinstance(failed, RuntimeError)
    assert cached is False


@asynchronously
async def test_the_longest_unused_goes_first_and_none_in_use(world: World) -> None:
    environments = Environments(world.layout, 2 * MIB + MIB // 2)
    for age, key in ((300, "old"), (200, "older-but-used"), (100, "young")):
        async with Environments(world.layout, 100 * MIB).open("repo", key, fill()):
            pass
        ages(world.layout.environments, key, age)
    async with environments.open("repo", "older-but-used", refuse):
        pass
    async with environments.open("repo", "young", refuse):
        ages(world.layout.environments, "young", 1000)
        async with environments.open("repo", "new", fill()):
            left = sorted(path.stem for path in (world.layout.environments / "repo").glob("*.json"))
            assert left == ["new", "young"], "young is the longest unused, but mounted"
            assert not (world.layout.environments / "repo" / "old").exists()
