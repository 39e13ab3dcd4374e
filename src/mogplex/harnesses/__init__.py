"""Coding-agent programs that drive a run. Each is a package or module with one class behind the `Harness` port.

To add one: write `NAME.py` with a class that has `name`, `probe`, `launch` `open_stream`; add it to `HARNESSES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mogplex.domain.ports import Harness
from mogplex.harnesses.repair.adapter import RepairHarness

HARNESSES: Mapping[str, Callable[[Path], Harness]] = {"repair": RepairHarness}
"""Harness name -> factory. The argument is a folder where the harness may keep what it shows to sandboxes."""
