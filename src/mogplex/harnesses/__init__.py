"""Coding-agent programs that drive a run. Each is a package or module with one class behind the `Harness` port.

To add one: write `NAME.py` with a class that has `name`, `probe`, `launch` and `open_stream`, add it to `HARNESSES`,
and let `tests/contracts` run over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mogplex.domain.ports import Harness
from mogplex.harnesses.builtin.adapter import BuiltinHarness
from mogplex.harnesses.claude_code.adapter import ClaudeCodeHarness
from mogplex.harnesses.codex.adapter import CodexHarness
from mogplex.harnesses.repair.adapter import RepairHarness
from mogplex.harnesses.scripted import ScriptedHarness

HARNESSES: Mapping[str, Callable[..., Harness]] = {
    "builtin": BuiltinHarness,
    "claude-code": ClaudeCodeHarness,
    "codex": CodexHarness,
    "repair": RepairHarness,
    "scripted": ScriptedHarness,
}
"""Harness name -> factory. The argument is a folder where the harness may keep what it shows to sandboxes; those of
programs of other makers take the path of a binary as a second one, for one that is not to be looked for."""
