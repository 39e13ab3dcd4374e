"""What holds for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# A provider's key in the environment would make the servers that tests start use it, and spend money.
for _name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "MOGPLEX_MODEL", "MOGPLEX_CONFIG"):
    os.environ.pop(_name, None)

# Rooms with tests that start whole servers or search for minutes. First, so that no worker ends with one of them alone
# while the others idle: a file is played by one worker from its first test to its last (see scripts/test.sh).
LONGEST = ("harnesses/repair", "acceptance", "contracts", "security", "properties", "web", "soak", "api")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_length_rank)


def _length_rank(item: pytest.Item) -> int:
    folder = item.path.parent.relative_to(Path(__file__).parent).as_posix()
    return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)
