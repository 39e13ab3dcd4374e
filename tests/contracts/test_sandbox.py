"""What every sandbox driver must do. Gaps are declared by name in GAPS: a gap is a promise a driver does not make."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits, Mount, SandboxSpec
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.container_engine import ENGINES
from mogplex.sandboxes.watchdog import DiskRules
from tests.contracts.sandbox_room import (
    PYTHON,
    collect,
    find_marked,
    finish,
    make_room,
    new_mark,
    require_engine,
    run,
    sleepers,
    wait_gone,
    work,
)

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "bubblewrap": ("bubblewrap", {"disk_rules": DiskRules(free_bytes=0)}),
    "bubblewrap-rlimits": ("bubblewrap", {"disk_rules": DiskRules(free_bytes=0), "use_cgroups": False}),
    "podman": ("podman", {"disk_rules": DiskRules(free_bytes=0)}),
    "docker": ("docker", {"disk_rules": DiskRules(free_bytes=0)}),
    "unconfined": ("unconfined", {}),
}
GAPS = {
    "bubblewrap": {"images"},
    "unconfined": {
        "images",
        "listeners",
        "read-only mounts",
        "disk limit",
        "process limit",
        "memory of all processes together",
    },
    "bubblewrap-rlimits": {"images", "memory files"},
}


@pytest.fixture(params=[name for name in VARIANTS if name not in ENGINES])  # those: test_container.py
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def driver(variant: str) -> Any:
    name, settings = VARIANTS[variant]
    if name in ENGINES:
        require_engine(name)
    return DRIVERS[name](**settings)


@pytest.fixture
def room(driver: Any) -> Iterator[Path]:
    with make_room(driver.runner.uid, driver.runner.gid) as path:
        yield path


def skip_gap(variant: str, promise: str) -> None:
    if promise in GAPS.get(variant, set()):
        pytest.skip(f"{variant} does not promise: {promise}")


def test_every_driver_is_tested() -> None:
    assert {name for name, _ in VARIANTS.values()} == set(DRIVERS) - {"container"}  # that is one of the two engines


def test_probe_really_starts_a_command(driver: Any) -> None:
    probe = asyncio.run(driver.probe())
    assert probe.ok, probe
    assert probe.facts["uid"] == str(driver.runner.uid)
    assert "limit.memory_bytes" in probe.facts


# --- what the command sees -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143)])
def test_exit_code_is_kept(driver: Any, script: str, code: int) -> None:
    end = run(driver, "/bin/sh", "-c", script).exit
    assert (end.exit_code, end.killed_by, end.processes_left) == (code, None, 0)


def test_environment_holds_nothing_but_what_was_given(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_SECRET", "s3cret")
    done = run(driver, "/usr/bin/env", environment={"GIVEN": "a=b c"}, path=("/work/bin",))
    variables = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert variables.pop("PWD", "/") == "/"
    assert set(variables) == {"GIVEN", "PATH", "HOME", "TMPDIR", "LANG"}
    assert variables["GIVEN"] == "a=b c"
    assert variables["PATH"] == "/work/bin:/usr/local/bin:/usr/bin:/bin"


def test_home_and_temporary_folder_are_writable_and_fresh(driver: Any) -> None:
    script = 'ls -A "$HOME" "$TMPDIR"; echo x > "$HOME/f" && echo x > "$TMPDIR/f" && cat "$HOME/f"'
    for _ in range(2):
        done = run(driver, "/bin/sh", "-c", script)
        assert (done.exit.exit_code, done.stderr) == (0, b"")
        assert b"f\n" not in done.stdout.replace(b"x\n", b"")


def test_runs_as_the_runner_and_never_as_root(driver: Any) -> None:
    done = run(driver, "/bin/sh", "-c", "id -u; id -G")
    assert done.stdout.split() == [str(driver.runner.uid).encode(), str(driver.runner.gid).encode()]
    assert driver.runner.uid != 0


def test_stdin_is_given_and_then_ends(driver: Any) -> None:
    given = bytes(range(256)) * 1000
    done = run(driver, "/bin/cat", stdin=given)
    assert (done.stdout, done.exit.exit_code) == (given, 0)


def test_stdin_is_never_left_open(driver: Any) -> None:
    assert run(driver, "/bin/cat").exit.exit_code == 0


def test_streams_are_kept_apart_and_bytes_are_untouched(driver: Any) -> None:
    done = run(driver, PYTHON, "-c", r"import os; os.write(1, b'\xff\x00\xfe out'); os.write(2, b'\xc3( err')")
    assert (done.stdout, done.stderr) == (b"\xff\x00\xfe out", b"\xc3( err")


def test_no_descriptor_leaks_in(driver: Any) -> None:
    done = run(driver, PYTHON, "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))")
    assert done.stdout.strip() == b"[0, 1, 2, 3]"  # 3 is the listing itself


def test_missing_program_ends_with_127(driver: Any) -> None:
    done = run(driver, "/work/no-such-program")
    assert (done.exit.exit_code, done.exit.killed_by) == (127, None)
    assert b"no-such-program" in done.stderr


# --- mounts ----------------------------------------------------------------------------------------------------


def test_writable_mount(driver: Any, room: Path) -> None:
    (room / "given").write_text("from outside")
    script = "cat given; echo made inside > made; pwd"
    done = run(driver, "/bin/sh", "-c", script, mounts=(work(room),), directory="/work")
    assert (done.exit.exit_code, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"from outside")
    assert (room / "made").read_text() == "made inside\n"
    assert (room / "made").stat().st_uid == driver.runner.uid


def test_read_only_mount(driver: Any, variant: str, room: Path) -> None:
    skip_gap(variant, "read-only mounts")
    (room / "given").write_text("from outside")
    script = "cat /work/given; echo x > /work/made; chmod 777 /work/given; rm /work/given"
    done = run(driver, "/bin/sh", "-c", script, mounts=(work(room, writable=False),))
    assert done.stdout == b"from outside"
    assert done.stderr.count(b"Read-only file system") == 3
    assert sorted(os.listdir(room)) == ["given"]


def test_targets_are_found_from_arguments_environment_and_directory(driver: Any, room: Path) -> None:
    (room / "sub").mkdir()
    (room / "sub" / "tool").write_text("#!/bin/sh\necho tool $DATA; cat $DATA\n")
    (room / "sub" / "tool").chmod(0o755)
    (room / "data").write_text("the data")
    done = run(
        driver,
        "tool",
        mounts=(work(room), Mount(room / "data", "/mnt/data")),
        environment={"DATA": "/mnt/data"},
        path=("/work/sub",),
        directory="/work/sub",
    )
    assert done.stdout.endswith(b"the data"), done


@pytest.mark.parametrize(
    "fields",
    [
        {"mounts": (Mount(Path("/no/such/folder"), "/work"),)},
        {"mounts": (Mount(Path("tmp"), "/work"),)},
        {"mounts": (Mount(Path("/tmp"), "work"),)},
        {"mounts": (Mount(Path("/tmp"), "/work/../etc"),)},
        {"mounts": (Mount(Path("/tmp"), "/proc/x"),)},
        {"mounts": (Mount(Path("/tmp"), "/"),)},
        {"environment": {"A": "nul\0byte"}},
        {"environment": {"A=B": "x"}},
        {"argv": ()},
        {"argv": ("/bin/echo", "nul\0byte")},
        {"argv": ("/bin/echo", "x" * 200_000)},  # the kernel takes 128 KiB an argument: a prompt goes to stdin
    ],
)
def test_what_cannot_be_started_is_a_sandbox_error(driver: Any, fields: dict[str, Any]) -> None:
    fields = {"argv": ("/usr/bin/true",), "directory": "/", **fields}
    with pytest.raises(SandboxError):
        asyncio.run(driver.start(SandboxSpec("refused", **fields)))


# --- output ----------------------------------------------------------------------------------------------------


def test_a_flood_is_drained_with_flat_memory(driver: Any) -> None:
    size = 100_000_000

    async def drain() -> tuple[int, int]:
        process = await driver.start(
            SandboxSpec("flood", ("/usr/bin/head", "-c", str(size), "/dev/zero"), directory="/")
        )
        taken, before, peak = 0, resident_bytes(), 0
        async for chunk in process.stdout:
            taken += len(chunk)
            if taken % 50 == 0:
                peak = max(peak, resident_bytes())
        await process.wait()
        return taken, max(peak, resident_bytes()) - before

    taken, growth = asyncio.run(drain())
    assert taken == size
    assert growth < 16_000_000


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_slow_reader_slows_the_command_and_loses_nothing(driver: Any, room: Path) -> None:
    async def read_late() -> tuple[bool, int]:
        script = "head -c 5000000 /dev/zero; echo > /work/done"
        process = await driver.start(SandboxSpec("slow", ("/bin/sh", "-c", script), (work(room),), directory="/"))
        await asyncio.sleep(0.3)
        early = (room / "done").exists()
        taken = len(await collect(process.stdout))
        await process.wait()
        return early, taken

    assert asyncio.run(read_late()) == (False, 5_000_000)
    assert (room / "done").exists()


def test_an_endless_flood_does_not_starve_the_loop_and_can_be_killed(driver: Any) -> None:
    async def flood() -> tuple[int, Any]:
        process = await driver.start(SandboxSpec("yes", ("/usr/bin/yes",), directory="/"))
        reading = asyncio.create_task(collect(process.stdout, limit_bytes=1000))
        ticks = 0
        for _ in range(20):
            await asyncio.sleep(0.005)
            ticks += 1
        process.kill()
        await reading
        return ticks, await process.wait()

    ticks, end = asyncio.run(asyncio.wait_for(flood(), 20))
    assert ticks == 20
    assert (end.killed_by, end.exit_code, end.processes_left) == ("caller", None, 0)


def test_wait_needs_no_reader(driver: Any) -> None:
    async def ignore() -> Any:
        process = await driver.start(SandboxSpec("unread", ("/usr/bin/yes",), directory="/"))
        process.kill()
        return await asyncio.wait_for(process.wait(), 20)

    assert asyncio.run(ignore()).killed_by == "caller"


# --- endings ---------------------------------------------------------------------------------------------------


def test_wall_clock(driver: Any) -> None:
    mark = new_mark()
    done = run(driver, PYTHON, "-c", "import time; time.sleep(1000)", mark, limits=Limits(wall_seconds=0.4))
    assert (done.exit.exit_code, done.exit.killed_by, done.exit.processes_left) == (None, "wall_clock", 0)
    assert 0.4 <= done.exit.wall_seconds < 10
    assert find_marked(mark) == []


def test_kill_leaves_nothing_of_200_daemons(driver: Any) -> None:
    mark = new_mark()

    async def kill() -> tuple[int, Any]:
        process = await driver.start(SandboxSpec("daemons", tuple(sleepers(mark, 200)), directory="/"))
        assert await anext(process.stdout) == b"started\n"
        before = len(find_marked(mark))
        process.kill()
        process.kill()
        end = await process.wait()
        process.kill()
        return before, end

    before, end = asyncio.run(asyncio.wait_for(kill(), 60))
    assert before > 200
    assert find_marked(mark) == []
    assert (end.exit_code, end.killed_by, end.processes_left) == (None, "caller", 0)


def test_nothing_is_held_open_afterwards(driver: Any) -> None:
    async def count() -> list[int]:
        counts = []
        for _ in range(4):
            await asyncio.gather(*(finish(driver, "/bin/echo", "x") for _ in range(3)))
            await asyncio.sleep(0.1)  # a last look of the watchdog's thread may still have a file of /proc open
            counts.append(len(os.listdir("/proc/self/fd")))
        return counts

    counts = asyncio.run(count())
    assert max(counts[1:]) < counts[0] + 3, counts  # less than one a round, and a round starts three


def test_daemons_end_with_the_command(driver: Any) -> None:
    mark = new_mark()
    argv = list(sleepers(mark, 20))
    argv[2] = argv[2].replace("print('started', flush=True)\ntime.sleep(1000)\n", "sys.exit(5)")
    done = run(driver, *argv)
    assert (done.exit.exit_code, done.exit.killed_by, done.exit.processes_left) == (5, None, 0)
    assert find_marked(mark) == []


def test_an_exit_before_the_kill_is_kept(driver: Any) -> None:
    async def kill_late() -> Any:
        process = await driver.start(SandboxSpec("late", ("/bin/sh", "-c", "exit 3"), directory="/"))
        await collect(process.stdout)
        await process.wait()
        process.kill()
        return await process.wait()

    end = asyncio.run(kill_late())
    assert (end.exit_code, end.killed_by) == (3, None)


def test_interrupt_reaches_the_command_itself(driver: Any) -> None:
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (os.write(1, b'tidy\\n'), sys.exit(9)))\n"
        "os.write(1, b'ready\\n')\n"  # print() may be interrupted in its middle, and not be called again then
        "time.sleep(1000)\n"
    )

    async def interrupt() -> tuple[bytes, Any]:
        process = await driver.start(SandboxSpec("int", (PYTHON, "-c", code), directory="/"))
        assert await anext(process.stdout) == b"ready\n"
        process.interrupt()
        said = await collect(process.stdout)
        end = await process.wait()
        process.interrupt()  # harmless after the end
        return said, end

    said, end = asyncio.run(asyncio.wait_for(interrupt(), 20))
    assert said == b"tidy\n"
    assert (end.exit_code, end.killed_by) == (9, None)


def test_interrupt_works_for_a_worker_that_ignores_it(driver: Any) -> None:
    """As one does that a script has started in the background."""

    async def interrupt() -> Any:
        process = await driver.start(SandboxSpec("int", ("/bin/sh", "-c", "echo; exec sleep 1000"), directory="/"))
        await anext(process.stdout)
        await asyncio.sleep(0.1)
        process.interrupt()
        return await process.wait()

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end = asyncio.run(asyncio.wait_for(interrupt(), 20))
    finally:
        signal.signal(signal.SIGINT, before)
    assert end.exit_code == 130


def test_files_get_ordinary_permissions_whatever_the_workers_mask(driver: Any, room: Path) -> None:
    before = os.umask(0o077)
    try:
        run(driver, "/usr/bin/touch", "/work/made", mounts=(work(room),))
    finally:
        os.umask(before)
    assert (room / "made").stat().st_mode & 0o777 == 0o644


def test_many_may_wait_and_a_cancelled_one_changes_nothing(driver: Any) -> None:
    async def wait() -> list[Any]:
        process = await driver.start(SandboxSpec("w", ("/bin/sleep", "0.2"), directory="/"))
        first = asyncio.create_task(process.wait())
        await asyncio.sleep(0.01)
        first.cancel()
        return list(await asyncio.gather(process.wait(), process.wait()))

    ends = asyncio.run(wait())
    assert ends[0] == ends[1]
    assert ends[0].exit_code == 0


def test_a_closing_loop_takes_its_sandboxes_along(driver: Any) -> None:
    mark = new_mark()

    async def abandon() -> None:
        process = await driver.start(SandboxSpec("left", tuple(sleepers(mark, 3)), directory="/"))
        await anext(process.stdout)

    asyncio.run(abandon())
    assert wait_gone(mark) == []


@pytest.mark.parametrize("delay_seconds", [0, 0.002, 0.005, 0.01])
def test_a_start_that_is_cancelled_leaves_nothing(driver: Any, delay_seconds: float) -> None:
    mark = new_mark()

    async def cancel() -> None:
        starting = asyncio.create_task(driver.start(SandboxSpec("c", tuple(sleepers(mark, 1)), directory="/")))
        await asyncio.sleep(delay_seconds)
        starting.cancel()
        try:
            process = await starting
        except asyncio.CancelledError:
            return
        process.kill()
        await process.wait()

    asyncio.run(cancel())
    assert wait_gone(mark) == []


def test_a_killed_worker_leaves_nothing(variant: str) -> None:
    mark = new_mark()
    name, settings = VARIANTS[variant]
    script = f"""
        import asyncio, sys
        from mogplex.domain.ports import SandboxSpec
        from mogplex.sandboxes import DRIVERS
        from mogplex.sandboxes.watchdog import DiskRules
        async def main():
            driver = DRIVERS[{name!r}](**{settings!r})
            process = await driver.start(SandboxSpec("orphan", {tuple(sleepers(mark, 30))!r}, directory="/"))
            print((await anext(process.stdout)).decode(), flush=True)
            await process.wait()
        asyncio.run(main())
    """
    worker = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    with worker, worker.stdout:
        assert worker.stdout.readline() == b"started\n"
        assert len(find_marked(mark)) > 30
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert wait_gone(mark) == []


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_works_from_a_loop_in_another_thread(driver: Any, kind: str) -> None:
    outcome: list[Any] = []

    def live() -> None:
        factory = asyncio.new_event_loop if kind == "asyncio" else pytest.importorskip("uvloop").new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            outcome.append(runner.run(finish(driver, "/bin/sh", "-c", "cat; exit 4", stdin=b"in a thread")))

    thread = threading.Thread(target=live)
    thread.start()
    thread.join(30)
    assert (outcome[0].stdout, outcome[0].exit.exit_code) == (b"in a thread", 4)


# --- limits ----------------------------------------------------------------------------------------------------


def test_enforced_speaks_of_every_limit(driver: Any) -> None:
    enforced = run(driver, "/usr/bin/true").enforced
    assert {field.name for field in dataclasses.fields(Limits)} <= set(enforced)
    assert set(enforced.values()) <= {"cgroup", "rlimit", "watchdog", "timer", "tmpfs", "none"}


def test_cpu_time_is_told_while_it_runs(driver: Any) -> None:
    """Who watches for stuck programs must be able to tell work from waiting."""

    async def watch() -> tuple[float, float]:
        process = await driver.start(
            SandboxSpec("busy", ("/bin/sh", "-c", "while :; do :; done"), directory="/", limits=Limits(wall_seconds=30))
        )
        try:
            first = process.cpu_seconds() or 0.0
            while (now := process.cpu_seconds() or 0.0) < first + 0.5:  # noqa: ASYNC110 - it is asked, it does not tell
                await asyncio.sleep(0.2)
            return first, now
        finally:
            process.kill()
            await process.wait()

    first, now = asyncio.run(watch())
    assert now > first


def test_usage_is_measured(driver: Any, variant: str) -> None:
    code = (
        "import time; data = b'x' * 50_000_000; end = time.process_time() + 0.7\nwhile time.process_time() < end: pass"
    )
    end = run(driver, PYTHON, "-c", code).exit
    assert end.exit_code == 0
    assert 0.3 < end.cpu_seconds < 5  # the watchdog looks every half second
    assert end.peak_memory_bytes is not None
    assert 50_000_000 < end.peak_memory_bytes < 500_000_000


def test_memory_limit(driver: Any, variant: str) -> None:
    limits = Limits(wall_seconds=30, memory_bytes=100 * 1024**2)
    done = run(driver, PYTHON, "-c", "data = b'x' * 400_000_000; print('had it')", limits=limits)
    assert b"had it" not in done.stdout
    if done.enforced["memory_bytes"] == "cgroup":
        assert (done.exit.exit_code, done.exit.killed_by) == (None, "memory")
    else:
        assert b"MemoryError" in done.stderr


def test_memory_of_all_processes_together(driver: Any, variant: str) -> None:
    skip_gap(variant, "memory of all processes together")
    code = "import os, time\nfor _ in range(4):\n    if os.fork() == 0: break\ndata = b'x' * 60_000_000\ntime.sleep(20)"
    done = run(driver, PYTHON, "-c", code, limits=Limits(wall_seconds=15, memory_bytes=150 * 1024**2))
    assert done.exit.killed_by == "memory"


def test_memory_files_count(driver: Any, variant: str) -> None:
    skip_gap(variant, "memory files")
    skip_gap(variant, "memory of all processes together")
    code = "import os; fd = os.memfd_create('m'); [os.write(fd, b'x' * 1_000_000) for _ in range(200)]; print('had it')"
    done = run(driver, PYTHON, "-c", code, limits=Limits(wall_seconds=15, memory_bytes=100 * 1024**2))
    if done.enforced["memory_bytes"] != "cgroup":
        pytest.skip("no control group can be made on this machine")
    assert (done.exit.killed_by, done.stdout) == ("memory", b"")


def test_process_limit_is_kept_per_sandbox(driver: Any, variant: str) -> None:
    skip_gap(variant, "process limit")
    code = (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while made < 300:\n"
        "        if os.fork() == 0: time.sleep(1000)\n"
        "        made += 1\n"
        "except BlockingIOError: pass\n"
        "print(made, flush=True); time.sleep(1)\n"
    )
    limits = Limits(wall_seconds=30, processes=60)

    async def both() -> list[Any]:
        return list(await asyncio.gather(*(finish(driver, PYTHON, "-c", code, limits=limits) for _ in range(2))))

    for done in asyncio.run(both()):
        assert 50 <= int(done.stdout) < 60
        assert done.exit.processes_left == 0


def test_file_size_and_open_files_limits(driver: Any, room: Path) -> None:
    script = "head -c 3000000 /dev/zero > big; ulimit -n; ulimit -c"
    limits = Limits(wall_seconds=30, file_bytes=1_000_000, open_files=77)
    done = run(driver, "/bin/bash", "-c", script, limits=limits, mounts=(work(room),), directory="/work")
    assert (room / "big").stat().st_size == 1_000_000
    assert done.stdout.split() == [b"77", b"0"]


@pytest.mark.parametrize(
    ("script", "limits", "rules"),
    [
        (
            "head -c 30000000 /dev/zero > big",
            Limits(wall_seconds=20, disk_bytes=10_000_000),
            DiskRules(free_bytes=0, tick_seconds=0.1),
        ),
        ("touch $(seq 600)", Limits(wall_seconds=20), DiskRules(files=500, free_bytes=0, tick_seconds=0.1)),
        ("mkdir -p a/b/c/d/e/f/g/h", Limits(wall_seconds=20), DiskRules(depth=6, free_bytes=0, tick_seconds=0.1)),
    ],
    ids=["bytes", "files", "depth"],
)
def test_disk_limit(variant: str, script: str, limits: Limits, rules: DiskRules) -> None:
    skip_gap(variant, "disk limit")
    name, settings = VARIANTS[variant]
    driver: Any = DRIVERS[name](**{**settings, "disk_rules": rules})
    with make_room(driver.runner.uid, driver.runner.gid) as room:
        script += "; sleep 1000"
        done = run(driver, "/bin/bash", "-c", script, limits=limits, mounts=(work(room),), directory="/work")
    assert (done.exit.exit_code, done.exit.killed_by, done.exit.processes_left) == (None, "disk", 0)


def test_cpu_limit(driver: Any, variant: str) -> None:
    code = "import time; end = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
    done = run(driver, PYTHON, "-c", code, limits=Limits(wall_seconds=30, cpu_cores=0.2))
    if done.enforced["cpu_cores"] == "none":
        pytest.skip("no control group: nothing is promised")
    assert done.exit.cpu_seconds < 0.6


def test_time_is_bounded_even_when_reading_and_killing_race(driver: Any) -> None:
    async def many() -> list[str | None]:
        async def one(index: int) -> str | None:
            process = await driver.start(SandboxSpec("race", ("/usr/bin/yes",), directory="/"))
            reading = asyncio.create_task(collect(process.stdout, 10))
            await asyncio.sleep(index * 0.003)
            process.kill()
            await reading
            return (await process.wait()).killed_by

        return list(await asyncio.gather(*(one(index) for index in range(8))))

    started = time.monotonic()
    assert asyncio.run(many()) == ["caller"] * 8
    assert time.monotonic() - started < 30


# --- images --------------------------------------------------------------------------------------------------


def test_a_driver_without_images_refuses_one_and_the_others_refuse_what_is_not_there(driver: Any, variant: str) -> None:
    word = "has no images" if "images" in GAPS.get(variant, set()) else "There is no image"
    with pytest.raises(SandboxError, match=word):
        run(driver, "/bin/true", image="localhost/no-such-image:1")


# --- listeners -------------------------------------------------------------------------------------------------

ASK = "import socket, sys; print(socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=20).recv(100))"


def test_a_driver_says_whether_it_can_listen(driver: Any, variant: str) -> None:
    assert driver.can_listen == ("listeners" not in GAPS.get(variant, set()))
    if not driver.can_listen:
        with pytest.raises(SandboxError, match="no network of its own"):
            run(driver, "/usr/bin/true", listeners=(3128,))


def test_listeners_are_there_before_the_command_and_gone_after_it(driver: Any, variant: str) -> None:
    skip_gap(variant, "listeners")

    async def serve() -> tuple[bytes, list[int]]:
        script = f"{ASK}; {ASK.replace('argv[1]', 'argv[2]')}"
        process = await driver.start(
            SandboxSpec("test", (PYTHON, "-c", script, "3128", "8081"), directory="/", listeners=(3128, 8081))
        )
        loop = asyncio.get_running_loop()
        try:
            for port in (3128, 8081):
                with process.listeners[port].dup() as listener:
                    listener.setblocking(False)
                    connection, _ = await asyncio.wait_for(loop.sock_accept(listener), 20)
                with connection:
                    await loop.sock_sendall(connection, b"on %d" % port)
            out = await collect(process.stdout)
            await process.wait()
        finally:
            process.kill()
        return out, [listener.fileno() for listener in process.listeners.values()]

    out, descriptors = asyncio.run(serve())
    assert out == b"b'on 3128'\nb'on 8081'\n"
    assert descriptors == [-1, -1]


def test_two_sandboxes_have_their_own_ports(driver: Any, variant: str) -> None:
    skip_gap(variant, "listeners")

    async def both() -> list[bytes]:
        specs = [SandboxSpec(name, (PYTHON, "-c", ASK, "3128"), directory="/", listeners=(3128,)) for name in "ab"]
        processes = await asyncio.gather(*map(driver.start, specs))
        try:
            for process in processes:
                connection, _ = await asyncio.to_thread(_accept, process.listeners[3128])
                with connection:
                    connection.sendall(process.name.encode())
            return await asyncio.gather(*(collect(process.stdout) for process in processes))
        finally:
            for process in processes:
                process.kill()
                await process.wait()

    assert asyncio.run(both()) == [b"b'a'\n", b"b'b'\n"]


def _accept(listener: socket.socket) -> tuple[socket.socket, Any]:
    with listener.dup() as own:
        own.settimeout(20)
        return own.accept()
