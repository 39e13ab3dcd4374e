"""What a first try without a model has saved, as the result of its run tells it."""

from __future__ import annotations

from typing import Any

from mogplex.domain.mode import Mode


def saved_usd(mode: str | None, result: Any, model_calls: int) -> float | None:
    """The estimate in USD; None where there was no such try, a model was asked after all, or nothing is known.

    A harness may put anything into a result, so its shape is looked at.
    """
    is_asked_for = mode == Mode.REPAIR_FIRST and not model_calls
    told = result.get("firstTry") if is_asked_for and isinstance(result, dict) else None
    saved = told.get("savedUsd") if isinstance(told, dict) else None
    return float(saved) if isinstance(saved, (int, float)) and not isinstance(saved, bool) else None
