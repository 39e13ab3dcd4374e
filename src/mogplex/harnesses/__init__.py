"""Programs that drive the work: one module (or folder) each, all behind `domain.ports.Harness`."""

from __future__ import annotations

from collections.abc import Callable

from mogplex.domain.ports import Harness
from mogplex.harnesses.scripted import ScriptedHarness

HARNESSES: dict[str, Callable[[], Harness]] = {"scripted": ScriptedHarness}


def open_harnesses(*, scripted: bool) -> dict[str, Harness]:
    """Every harness that a server offers; `scripted` only when it is asked for."""
    return {name: make() for name, make in HARNESSES.items() if scripted or name != "scripted"}
