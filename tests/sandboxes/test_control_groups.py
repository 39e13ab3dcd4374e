"""Control groups: version 1 for real where it is writable, version 2 by what is written into its files."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.sandboxes.cgroup import Group, is_orphan, name_group
from mogplex.sandboxes.hierarchy import Hierarchy

V2_FILES = ("memory.max", "memory.oom.group", "memory.swap.max", "pids.max", "cpu.max", "cgroup.procs")


def detect() -> Hierarchy:
    found = Hierarchy.detect()
    if found is None:
        pytest.skip("no control group can be made on this machine")
    return found


def test_a_live_process_keeps_its_groups_and_a_dead_one_loses_them() -> None:
    assert not is_orphan(name_group())
    assert is_orphan(f"mogplex-{os.getpid()}-1-1")  # the same number, given away again
    for foreign in ("system.slice", "mogplex-supervisor", "mogplex-x-y-z", "mogplex-1"):
        assert not is_orphan(foreign)


def test_limits_are_written_and_the_group_can_be_removed() -> None:
    hierarchy = detect()
    group = hierarchy.create(Limits(memory_bytes=64 * 1024**2, processes=33, cpu_cores=0.5))
    try:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            group.add(child.pid)
            assert group.members() == [child.pid]
            assert child.stdin is not None
            child.stdin.write(b"\n")
        assert group.members() == []
        assert group.count_out_of_memory() == 0
        assert (group.usage().cpu_seconds or 0) >= 0
    finally:
        group.remove()
    assert group.members() == []
    assert group.usage().peak_memory_bytes is None


def test_removing_ends_whoever_is_left() -> None:
    group = detect().create(Limits())
    with subprocess.Popen(["/bin/sleep", "1000"]) as child:
        group.add(child.pid)
        group.remove()
        assert child.wait(10) == -9


def test_a_killed_workers_group_is_swept() -> None:
    hierarchy = detect()
    code = "import os; from mogplex.sandboxes.hierarchy import Hierarchy; from mogplex.domain.ports import Limits;"
    code += "Hierarchy.detect().create(Limits()); print(os.getpid(), flush=True); os.kill(os.getpid(), 9)"
    worker = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    prefix = f"mogplex-{worker.stdout.strip()}-"

    def list_groups() -> list[str]:
        parents = set(hierarchy.parents.values())
        return [name for parent in parents for name in os.listdir(parent) if name.startswith(prefix)]

    # Another test process may have swept it already, so only the end is certain.
    asyncio.run(BubblewrapDriver().probe())
    assert list_groups() == []


@pytest.fixture
def unified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a version 2 group's files; new folders in it get theirs, as the kernel would give them."""
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids")
    (tmp_path / "cgroup.procs").write_text("")
    make = Path.mkdir

    def make_group(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        make(self, mode, parents, exist_ok)
        for name in V2_FILES:
            (self / name).write_text("")

    monkeypatch.setattr(Path, "mkdir", make_group)
    return tmp_path


def test_version_2_limits(unified: Path) -> None:
    hierarchy = Hierarchy.detect(unified)
    assert hierarchy is not None
    assert hierarchy.version == 2
    hierarchy.create(Limits(memory_bytes=1000, processes=7, cpu_cores=1.5))
    (folder,) = [path for path in unified.iterdir() if path.is_dir()]
    written = {name: (folder / name).read_text() for name in V2_FILES}
    assert written == {
        "memory.max": "1000",
        "memory.oom.group": "1",
        "memory.swap.max": "0",
        "pids.max": "7",
        "cpu.max": "150000 100000",
        "cgroup.procs": "",
    }


def test_version_2_usage(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (tmp_path / "memory.peak").write_text("4096\n")
    (tmp_path / "memory.events").write_text("low 0\nmax 3\noom 1\noom_kill 2\n")
    usage = Group({"memory": tmp_path, "pids": tmp_path}, version=2).usage()
    assert (usage.cpu_seconds, usage.peak_memory_bytes, usage.out_of_memory) == (2.5, 4096, 2)


def test_an_unusable_root_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    with pytest.raises(SandboxError, match=str(tmp_path)):
        Hierarchy.detect(tmp_path)
