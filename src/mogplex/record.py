"""What `mogplex exec` keeps of its run: `run.json` and `events.jsonl` in a folder, each valid at any moment."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mogplex.domain.ending import failure_of
from mogplex.domain.errors import MogplexError, SandboxError
from mogplex.domain.run import Outcome

Json = dict[str, Any]


class Record:
    """`folder`: None keeps nothing. What can't be written, because the disk is full, is tried again each time."""

    def __init__(self, folder: Path | None) -> None:
        """Raises OSError when nothing can be kept there."""
        self._folder = folder
        self._late = b""  # lines of events that are not written yet
        self._run: Json = {"runId": None, "status": "pending", "outcome": None, "error": None}
        self._faults: dict[str, OSError] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            # First of all, so that nobody takes what an earlier run left here for the word on this one.
            self._write_run(folder)
            (folder / "events.jsonl").write_bytes(b"")

    def keep_refusal(self, fault: MogplexError) -> None:
        """Nothing was run: say so, and why. Of a run that has begun, what was last known stays."""
        if self._run["runId"] is not None:
            return
        outcome = Outcome.SANDBOX_FAILED if isinstance(fault, SandboxError) else Outcome.SETUP_FAILED
        failure = failure_of(outcome)
        told = {"status": outcome.status, "outcome": outcome, "error": fault.message}
        self.keep_run({"runId": None, **told, "failure": failure.as_wire() if failure else None})

    def keep_event(self, event: Json) -> None:
        if self._folder is not None:
            self._late += json.dumps(event, ensure_ascii=False).encode() + b"\n"
            self._attempt("events.jsonl", self._write_events)

    def keep_run(self, run: Json) -> None:
        self._run = run
        self._attempt("run.json", self._write_run)

    def settle(self) -> str | None:
        """Write what is still late. Returns what is wrong with the record, None when it is whole."""
        if self._faults:
            self._attempt("events.jsonl", self._write_events)
            self._attempt("run.json", self._write_run)
        wrong = [f"{self._folder}/{name}: {fault.strerror}" for name, fault in self._faults.items()]
        return "; ".join(wrong) or None

    def _attempt(self, name: str, write: Callable[[Path], None]) -> None:
        if self._folder is not None:
            try:
                write(self._folder)
                self._faults.pop(name, None)
            except OSError as fault:
                self._faults[name] = fault

    def _write_events(self, folder: Path) -> None:
        with (folder / "events.jsonl").open("ab", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if file.write(self._late) != len(self._late):
                file.truncate(size)  # half a line is no JSON
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._late = b""

    def _write_run(self, folder: Path) -> None:
        draft = folder / ".run.json.new"
        draft.write_text(json.dumps(self._run, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / "run.json")
