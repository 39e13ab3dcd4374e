"""The modes of a run: how its harness works."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Read without regard to case."""

    AUTO = "auto"  # the harness works without asking anybody: the same as no mode
    REPAIR_FIRST = "repair-first"  # `repair` gets a short try before a model is asked

    @classmethod
    def _missing_(cls, value: object) -> Mode | None:
        lowered = value.lower() if isinstance(value, str) else None
        return next((mode for mode in cls if mode.value == lowered), None)
