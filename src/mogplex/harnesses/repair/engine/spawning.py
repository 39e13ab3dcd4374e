"""Notices when a test starts a program that may run the repo's code: such a program reads the files on disk."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import Any

STARTS = {"subprocess.Popen", "os.posix_spawn", "os.system", "os.spawn"}  # names of CPython's audit events
RUNS_PYTHON = re.compile(r"^(python|pypy|py\b|sh|bash|dash|zsh|env|coverage|pytest|tox)")


class Watch:
    """Counts such programs from the moment it is made, for as long as this process lives: hooks can't be taken away."""

    def __init__(self) -> None:
        self.count = 0
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, details: tuple[Any, ...]) -> None:
        if event in STARTS and may_run_python(_program(event, details)):
            self.count += 1


def _program(event: str, details: tuple[Any, ...]) -> str:
    if event == "os.system":
        return "sh"
    program = details[1] if event == "os.spawn" else details[0]
    if program is None:  # Popen: the first word of what it was given
        words = details[1]
        program = words if isinstance(words, (str, bytes, os.PathLike)) else next(iter(words), "")
    return os.fsdecode(program)


def may_run_python(program: str) -> bool:
    """Whether it is an interpreter, a shell, or a script: other programs (git, say) know nothing of the repo's code."""
    if RUNS_PYTHON.match(os.path.basename(program)):  # noqa: PTH119  a name, not a path
        return True
    full = shutil.which(program)
    if full is None:
        return False
    try:
        with open(full, "rb") as file:  # noqa: PTH123  a name too
            return file.read(2) == b"#!"
    except OSError:
        return False
