"""The record of `mogplex exec` while its disk is full."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mogplex.record import Record


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    """No file may grow beyond `size_bytes`: a write beyond it is cut, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read_events(folder: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in (folder / "events.jsonl").read_text().splitlines()]


def test_a_full_disk_cuts_no_line_and_what_is_late_is_written_once_there_is_room(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep_event({"seq": 1})
    with full_disk(100):
        record.keep_event({"seq": 2, "message": "x" * 200})
        record.keep_run({"runId": "run_1", "status": "streaming", "message": "x" * 200})
        assert read_events(tmp_path) == [1]
        assert json.loads((tmp_path / "run.json").read_text())["status"] == "pending"
        told = record.settle()
        assert told is not None
        assert "events.jsonl" in told
        assert "run.json" in told
    record.keep_event({"seq": 3})
    assert record.settle() is None
    assert read_events(tmp_path) == [1, 2, 3]
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "streaming"
