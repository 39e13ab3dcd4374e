"""What only the bubblewrap driver has: its gate, its probe's advice, its runner."""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Mount, SandboxSpec
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.sandboxes.census import kill_orphans
from mogplex.sandboxes.remedy import explain_failure
from mogplex.sandboxes.runner import RUNNER_UID, Runner
from mogplex.sandboxes.seccomp import build_filter
from mogplex.sandboxes.unconfined import translate
from mogplex.sandboxes.watchdog import DiskRules

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def driver() -> BubblewrapDriver:
    return BubblewrapDriver(disk_rules=DiskRules(free_bytes=0))


@pytest.fixture
def room(driver: BubblewrapDriver) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mogplex-test-", dir="/tmp") as folder:
        os.chown(folder, driver.runner.uid, driver.runner.gid)
        yield Path(folder)


# --- the gate --------------------------------------------------------------------------------------------------


def touch(room: Path) -> SandboxSpec:
    return SandboxSpec("gate", ("/usr/bin/touch", "/work/ran"), (Mount(room, "/work", writable=True),), directory="/")


def test_nothing_runs_before_the_gate_opens(driver: BubblewrapDriver, room: Path) -> None:
    async def hold() -> bool:
        process = driver._launch(touch(room), None, {})
        first = await process.prepare()
        net = os.readlink(f"/proc/{first.pid}/ns/net")
        await asyncio.sleep(0.1)
        early = (room / "ran").exists()
        assert net != os.readlink("/proc/self/ns/net")  # here listeners could be put into its network
        process._gate.open(build_filter())
        await process.wait()
        return early

    assert asyncio.run(hold()) is False
    assert (room / "ran").exists()


def test_a_gate_that_closes_unopened_ends_the_sandbox_unrun(driver: BubblewrapDriver, room: Path) -> None:
    """As when the worker dies at that moment: bwrap finds no filter program and refuses to go on."""

    async def give_up() -> int | None:
        process = driver._launch(touch(room), None, {})
        await process.prepare()
        process._gate.close()
        return (await asyncio.wait_for(process.wait(), 20)).exit_code

    assert asyncio.run(give_up()) is None
    assert not (room / "ran").exists()


def test_a_sandbox_that_cannot_be_watched_is_ended(room: Path) -> None:
    async def lose_sight() -> str | None:
        driver = BubblewrapDriver(disk_rules=DiskRules(free_bytes=0, tick_seconds=0.05))
        (room / "work").mkdir()
        mounts = (Mount(room / "work", "/work", writable=True),)
        process = await driver.start(SandboxSpec("blind", ("/bin/sleep", "1000"), mounts, directory="/"))
        (room / "work").rename(room / "elsewhere")
        return (await asyncio.wait_for(process.wait(), 20)).killed_by

    assert asyncio.run(lose_sight()) == "lost"


# --- the probe -------------------------------------------------------------------------------------------------


def test_probe_says_what_to_install() -> None:
    probe = asyncio.run(BubblewrapDriver(executable="/no/such/bwrap").probe())
    assert not probe.ok
    assert probe.remedy is not None
    assert "apt-get install bubblewrap" in probe.remedy


def test_probe_does_not_take_anything_for_bubblewrap(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        fake = Path(folder) / "bwrap"
        fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
        fake.chmod(0o755)
        driver = BubblewrapDriver(executable=str(fake), disk_rules=DiskRules(free_bytes=0))
        with pytest.raises(SandboxError, match="No permissions to create new namespace"):
            asyncio.run(driver.start(SandboxSpec("x", ("/bin/true",), directory="/")))
        assert not asyncio.run(driver.probe()).ok


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("bwrap: command not found", "apt-get install bubblewrap"),
        ("bwrap: Creating new namespace failed: nesting depth or user.max_*_namespaces exceeded (ENOSPC)", "sysctl"),
        ("bwrap: setting up uid map: Permission denied", "user namespaces"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "docker"),
    ],
)
def test_failures_have_a_remedy(said: str, word: str) -> None:
    detail, remedy = explain_failure(said)
    assert word in f"{detail} {remedy}"
    assert remedy


def test_a_source_the_runner_cannot_reach_is_explained(driver: BubblewrapDriver, room: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    closed = room / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)
    os.chown(closed, 0, 0)
    spec = SandboxSpec("x", ("/bin/true",), (Mount(closed / "inner", "/work"),), directory="/")
    with pytest.raises(SandboxError, match=str(closed)):
        asyncio.run(driver.start(spec))


def test_a_missing_directory_is_lost_with_a_reason(driver: BubblewrapDriver) -> None:
    async def start() -> tuple[str | None, bytes]:
        process = await driver.start(SandboxSpec("x", ("/bin/true",), directory="/no/such/place"))
        said = b"".join([chunk async for chunk in process.stderr])
        return (await process.wait()).killed_by, said

    killed_by, said = asyncio.run(start())
    assert killed_by == "lost"
    assert b"/no/such/place" in said


# --- the runner ------------------------------------------------------------------------------------------------


def test_a_worker_killed_while_it_starts_sandboxes_leaves_none() -> None:
    """bwrap takes its first process along only a moment after that one's birth; a keeper looks after the rest."""
    mark = f"mark{os.urandom(8).hex()}"
    script = f"""
        import asyncio, sys
        from mogplex.domain.ports import SandboxSpec
        from mogplex.sandboxes.bubblewrap import BubblewrapDriver
        from mogplex.sandboxes.watchdog import DiskRules
        async def main():
            driver = BubblewrapDriver(disk_rules=DiskRules(free_bytes=0))
            spec = SandboxSpec("s", ("/bin/sleep", "1000", {mark!r}), directory="/")
            print("ready", flush=True)
            while True:
                for process in await asyncio.gather(*(driver.start(spec) for _ in range(4))):
                    process.kill()
                    await process.wait()
        asyncio.run(main())
    """
    for number in range(6):
        worker = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        with worker, worker.stdout:
            assert worker.stdout.readline() == b"ready\n"
            deadline = time.monotonic() + 20
            while not _find(mark) and time.monotonic() < deadline:  # in the middle of the first starts, or later ones
                time.sleep(0.001)
            time.sleep(0.004 * number)
            worker.kill()
    deadline = time.monotonic() + 20
    while (left := _find(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _find(mark: str) -> list[str]:
    """Live bwraps and what they started, by the mark on their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{name}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark.encode() in line and not line.startswith(sys.executable.encode()):
            found.append(f"{name} {line!r}")
    return found


@needs_root
def test_root_drops_to_the_runner() -> None:
    runner = Runner.detect()
    assert (runner.uid, runner.gid, runner.drops) == (RUNNER_UID, RUNNER_UID, True)
    said = subprocess.run(["/usr/bin/id"], capture_output=True, text=True, **runner.popen_arguments()).stdout
    assert said.startswith(f"uid={RUNNER_UID} gid={RUNNER_UID} groups={RUNNER_UID}")
    assert Runner.detect(uid=12345) == Runner(12345, 12345, drops=True)


@needs_root
@pytest.mark.parametrize("numbers", [{"uid": 0}, {"uid": 5, "gid": 0}])
def test_root_is_never_the_runner(numbers: dict[str, int]) -> None:
    with pytest.raises(SandboxError, match="never run with uid or gid 0"):
        Runner.detect(**numbers)


def test_sweeping_orphans_spares_the_living(driver: BubblewrapDriver) -> None:
    async def sweep() -> int | None:
        process = await driver.start(SandboxSpec("x", ("/bin/sleep", "0.3"), directory="/"))
        kill_orphans(driver.runner.uid)
        return (await process.wait()).exit_code

    assert asyncio.run(sweep()) == 0


@needs_root
def test_sweeping_ends_a_first_process_without_bwrap() -> None:
    """One whose worker was killed in the moment before bwrap ties it to itself; here bwrap is not asked to at all."""
    runner = Runner(59736, 59736, drops=True)  # nobody else's: keepers of other tests sweep the usual one
    block, hold = os.pipe()
    told, tell = os.pipe()
    arguments = os.memfd_create("arguments")
    options = f"--unshare-user --unshare-pid --ro-bind / / --json-status-fd {tell} --block-fd {block}"
    os.write(arguments, b"".join(word.encode() + b"\0" for word in options.split()))
    os.lseek(arguments, 0, os.SEEK_SET)
    argv = ["/usr/bin/bwrap", "--args", str(arguments), "--", "/usr/bin/prlimit", "--", "/bin/sleep", "1000"]
    with subprocess.Popen(argv, pass_fds=(block, tell, arguments), **runner.popen_arguments()) as bwrap:
        with os.fdopen(told) as records:
            first = json.loads(records.readline())["child-pid"]
        handle = os.pidfd_open(first)
        kill_orphans(runner.uid)
        assert not select.select([handle], [], [], 0.1)[0], "it still had its bwrap"
        bwrap.kill()
    assert not select.select([handle], [], [], 0.1)[0], "it went by itself: nothing is tested"
    assert kill_orphans(runner.uid) >= 1
    assert select.select([handle], [], [], 10)[0], "it still lives"
    for fd in (block, hold, tell, arguments, handle):
        os.close(fd)


# --- paths without namespaces ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/work", "/host/w"),
        ("/work/a:/work/b", "/host/w/a:/host/w/b"),
        ("cd '/work' && ls --in=/work/x", "cd '/host/w' && ls --in=/host/w/x"),
        ("/workshop /my/work /work-2 /work.d", "/workshop /my/work /work-2 /work.d"),
        ("/work/.mogplex/base", "/host/b/base"),
    ],
)
def test_paths_are_translated_whole(text: str, wanted: str) -> None:
    assert translate(text, {"/work": "/host/w", "/work/.mogplex": "/host/b"}) == wanted
