"""Measuring folders that somebody else fills."""

from __future__ import annotations

import os
from pathlib import Path

from mogplex.sandboxes.disk import DiskLedger, DiskMeter, DiskUse


def measure(*paths: Path, files: int = 10_000, depth: int = 100) -> DiskUse:
    return DiskMeter(paths, files, depth).measure()


def test_counts_blocks_entries_and_levels(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x" * 100_000)
    use = measure(tmp_path)
    assert 100_000 <= use.size_bytes < 150_000
    assert (use.files, use.depth) == (4, 3)


def test_a_hole_takes_no_room_and_a_second_name_counts_once(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10**9)
    (tmp_path / "data").write_bytes(b"x" * 100_000)
    before = measure(tmp_path)
    os.link(tmp_path / "data", tmp_path / "again")
    after = measure(tmp_path)
    assert before.size_bytes == after.size_bytes < 200_000
    assert after.files == before.files + 1


def test_no_link_is_followed(tmp_path: Path) -> None:
    room, outside = tmp_path / "room", tmp_path / "outside"
    room.mkdir()
    outside.mkdir()
    (outside / "big").write_bytes(b"x" * 1_000_000)
    (room / "link").symlink_to(outside)
    (room / "self").symlink_to(room)
    use = measure(room)
    assert use.files == 3
    assert use.size_bytes < 100_000


def test_the_walk_ends_at_its_limits(tmp_path: Path) -> None:
    for index in range(50):
        (tmp_path / str(index)).touch()
    assert measure(tmp_path, files=10).files == 10
    deep = tmp_path
    for _ in range(20):
        deep = deep / "d"
        deep.mkdir()
    assert measure(tmp_path, depth=5).depth == 5


def test_several_mounts_add_up_and_a_missing_one_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 50_000)
    (tmp_path / "two").write_bytes(b"x" * 50_000)
    use = measure(tmp_path / "one", tmp_path / "two", tmp_path / "three")
    assert use.files == 2
    assert 100_000 <= use.size_bytes < 130_000


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd"))
    measure(tmp_path)
    measure(tmp_path, depth=2)
    assert len(os.listdir("/proc/self/fd")) == before


def test_only_the_largest_goes_when_the_disk_is_full() -> None:
    ledger = DiskLedger()
    ledger.note("small", 10)
    ledger.note("large", 1000)
    assert (ledger.is_largest("small"), ledger.is_largest("large")) == (False, True)
    ledger.forget("large")
    assert ledger.is_largest("small")
