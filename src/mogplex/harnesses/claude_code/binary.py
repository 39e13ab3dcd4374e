"""Where the Claude Code binary is, and what a sandbox has to see of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mogplex.domain.ports import Mount
from mogplex.harnesses.installed import Program, find_program, show_to_sandboxes

PACKAGE = "claude_agent_sdk"
TARGET = "/opt/claude-code/claude"


def find(setting: Path | None) -> Program | None:
    return find_program("claude", setting, _find_packaged)


def mount(binary: Path, shared: Path) -> tuple[Mount, str]:
    """What to mount (the one file), and its path inside. Raises OSError when sandboxes can't be shown it."""
    return Mount(show_to_sandboxes(binary, shared), TARGET), TARGET


def _find_packaged() -> Path | None:
    """Inside the Python package, which is looked at but not imported: its own dependencies need not be there."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "_bundled" / "claude"
