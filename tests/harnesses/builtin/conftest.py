"""One built agent for all tests of this folder, and a fresh room for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex.harnesses.builtin import program
from tests.harnesses.builtin.agent_room import Room


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program.build(tmp_path_factory.mktemp("agent")).source


@pytest.fixture
def room(tmp_path: Path, built: Path) -> Room:
    folder = tmp_path / "repo"
    folder.mkdir()
    return Room(folder, built)
