"""What a model is told of the work that it takes up: never of work that is not there."""

from __future__ import annotations

import pytest

from mogplex.domain.kept_work import KeptWork, introduce

NOTHING = KeptWork("run_1", "base", b"", None, None)
DIFF = KeptWork("run_1", "base", b"diff", None, None)
PUSHED = KeptWork("run_1", "tip", b"", None, "tip")
PUSHED_AND_GONE = KeptWork("run_1", "base", b"diff", None, "tip")


@pytest.mark.parametrize(
    ("kept", "session", "told"),
    [
        (None, None, None),
        (NOTHING, None, None),
        (DIFF, None, "What they did is in the files, uncommitted."),
        (PUSHED, None, "What they did is in the files, committed."),
        (PUSHED_AND_GONE, None, "What they did is in the files, uncommitted."),
        (NOTHING, "talk-1", "Go on where you were"),
    ],
)
def test_a_model_is_told_what_there_is(kept: KeptWork | None, session: str | None, told: str | None) -> None:
    said = introduce(kept, session)
    assert said is None if told is None else told in (said or "")
