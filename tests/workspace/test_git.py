"""The one runner: bounded, clean, nothing left running."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from mogplex.workspace.git import Git, GitError, clean_text, last_lines
from tests.workspace.git_world import ROOT, World, asynchronously


def _alive(mark: str) -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                    return True
            except (FileNotFoundError, ProcessLookupError):
                continue
    return False


async def _wait_for(condition: object, seconds: float = 10) -> bool:
    assert callable(condition)
    for _ in range(int(seconds / 0.02)):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


@asynchronously
async def test_timeout_ends_the_whole_group(world: World) -> None:
    mark = f"7310{os.getpid()}"
    with pytest.raises(GitError, match=r"longer than 0\.5 s") as caught:
        await world.git.run("-c", f"alias.nap=!sleep {mark} & sleep {mark}; true", "nap", timeout_seconds=0.5)
    assert caught.value.exit_code is None
    assert await _wait_for(lambda: not _alive(f"sleep\0{mark}"))


@asynchronously
async def test_cancel_ends_the_whole_group(world: World) -> None:
    mark = f"7320{os.getpid()}"
    task = asyncio.create_task(world.git.run("-c", f"alias.nap=!sleep {mark} & sleep {mark}; true", "nap"))
    assert await _wait_for(lambda: _alive(f"sleep\0{mark}"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _wait_for(lambda: not _alive(f"sleep\0{mark}"))


@asynchronously
async def test_cancel_while_it_starts_leaves_nothing(world: World) -> None:
    mark = f"7330{os.getpid()}"
    for steps in range(12):  # of the event loop, so that each moment of a start is met
        task = asyncio.create_task(world.git.run("-c", f"alias.nap=!sleep {mark} & sleep {mark}; true", "nap"))
        for _ in range(steps):
            await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251  # the loop stands still while git goes on and starts its own
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await _wait_for(lambda: not _alive(f"sleep\0{mark}"))


@asynchronously
async def test_output_is_capped(world: World) -> None:
    with pytest.raises(GitError, match="more than 1000 bytes") as caught:
        await world.git.run("-c", "alias.flood=!yes", "flood", output_bytes=1000)
    assert len(caught.value.stdout) == 1000


@asynchronously
async def test_environment_is_ours_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_KEY", "secret")
    monkeypatch.setenv("GIT_DIR", "/somewhere")
    printed = (await world.git.run("-c", "alias.env=!env", "env")).text
    assert "PROVIDER_KEY" not in printed
    assert "GIT_DIR=" not in printed
    assert "GIT_TERMINAL_PROMPT=0" in printed
    chosen = Git(world.layout.git_home, extra_environment={"SSH_AUTH_SOCK": "/agent"})
    assert "SSH_AUTH_SOCK=/agent" in (await chosen.run("-c", "alias.env=!env", "env")).text


@asynchronously
async def test_failures_carry_git_words_without_passwords(world: World) -> None:
    with pytest.raises(GitError) as caught:
        await world.git.run("fetch", "https://ann:hunter2@localhost:1/x.git", git_dir=world.origin / ".git")
    assert caught.value.exit_code == 128
    assert "hunter2" not in caught.value.message + caught.value.stderr
    assert "localhost:1" in caught.value.message


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
@asynchronously
async def test_runs_as_the_runner(world: World) -> None:
    printed = (await world.runner_git.run("-c", "alias.who=!id -u; id -G", "who")).text
    assert printed.split() == [str(world.driver.runner.uid), str(world.driver.runner.gid)]


def test_texts_are_cleaned() -> None:
    assert clean_text("at https://a:b@host/x and \x1b[31mred\x07\n") == "at https://host/x and [31mred\n"
    assert last_lines("a\n\nb \n c\n", count=2) == "b; c"
