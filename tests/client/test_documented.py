"""The programs of docs/python.md, run as they stand, on a server whose worker the test plays."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.run import Status
from mogplex.service.run_filter import RunFilter
from tests.api.door import Door
from tests.client.test_runs import finish
from tests.house import said

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "python.md"


@pytest.fixture
def worked_door(door: Door) -> Iterator[Door]:
    """Every run that is started ends well."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(0.05):
            waiting = door.house.runs.list(door.house.admin, RunFilter(status=Status.PENDING, limit=50)).items
            for run in waiting:
                claimed = door.house.claim(run)
                assert door.house.attempts.record(claimed, [said("looking")]).result(20)
                finish(door, claimed)

    worker = threading.Thread(target=work)
    worker.start()
    yield door
    stopping.set()
    worker.join()


def test_the_programs_of_the_document_run(
    worked_door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worked_door.house.add_repo(name="acme/web", pushBranches=["*"])
    monkeypatch.setenv("MOGPLEX_URL", f"http://{worked_door.host}:{worked_door.port}")
    monkeypatch.setenv("MOGPLEX_API_KEY", worked_door.key)
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for program in programs:
        exec(compile(program, str(DOCUMENT), "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("1 queued ")
    assert "success completed verified mogplex/run/" in printed[-2]
    assert printed[-1] == "['success']"
    assert (tmp_path / "fix.diff").exists()
