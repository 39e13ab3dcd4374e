"""The table of attacks in docs/security.md names tests; this holds them to each other."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_attack_in_the_table_has_a_test() -> None:
    text = (TESTS.parent / "docs" / "security.md").read_text()
    told = set(re.findall(r"`(test_\w+)`", text))
    files = [*TESTS.glob("security/*.py"), *TESTS.glob("contracts/*.py")]
    made = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert len(told) > 35
    assert told <= made, told - made
    rows = [row for row in text.splitlines() if row.startswith("|") and row.count("|") == 4]
    for row in rows:
        assert "`test_" in row or "**" in row or "---" in row or "| test |" in row, row
