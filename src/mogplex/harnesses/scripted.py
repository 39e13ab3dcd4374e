"""A harness that plays a shell script: the prompt is the script, its stdout is a record stream (see `records`).

It is for rehearsing a pipeline and for tests: it can succeed, lie, hang, flood or die on demand, inside the same
sandbox, checks and delivery as any harness. Off unless MOGPLEX_SCRIPTED_HARNESS is on, since a prompt that is a
program is not what callers of a shared server expect.
"""

from __future__ import annotations

from pathlib import Path

from mogplex.domain.model import ModelProtocol
from mogplex.domain.ports import HarnessStream, Launch, Probe, Task
from mogplex.harnesses.records import RecordStream


class ScriptedHarness:
    """`/bin/sh` on the prompt."""

    name = "scripted"
    protocols: tuple[ModelProtocol, ...] = ()

    def __init__(self, shared: Path) -> None:
        """`shared` is what every harness gets; this one keeps nothing in it."""

    def probe(self) -> Probe:
        return Probe(True, "plays the prompt as a shell script", facts={"version": "1"})

    def launch(self, task: Task) -> Launch:
        # As an argument and not on stdin: a program of the script that reads stdin must find it empty.
        return Launch(("/bin/sh", "-c", task.prompt))

    def open_stream(self, task: Task) -> HarnessStream:
        return RecordStream()
