"""The builtin harness behind the `Harness` port: hands the task to the agent and translates its records."""

from __future__ import annotations

import json
from pathlib import Path

from mogplex.domain.model import ModelProtocol
from mogplex.domain.ports import HarnessStream, Launch, Mount, Probe, Task
from mogplex.harnesses.builtin import program
from mogplex.harnesses.builtin.agent import __version__
from mogplex.harnesses.records import RecordStream


class BuiltinHarness:
    """Our own loop, with a shell and tools for files. `shared` is a folder where its program is kept between runs."""

    name = "builtin"
    protocols: tuple[ModelProtocol, ...] = (ModelProtocol.RESPONSES, ModelProtocol.MESSAGES, ModelProtocol.CHAT)

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._mount: Mount | None = None

    def probe(self) -> Probe:
        """It comes with Mogplex; only the model has to come from elsewhere."""
        return Probe(True, "comes with Mogplex, needs a model", facts={"version": __version__})

    def launch(self, task: Task) -> Launch:
        """Raises OSError when the agent's folder can't be built."""
        if self._mount is None:
            self._mount = program.build(self._shared)
        # Isolated and without site: neither the repo nor its environment can change what this interpreter runs.
        argv = ("python3", "-I", "-S", "-B", program.TARGET)
        return Launch(argv, mounts=(self._mount,), stdin=json.dumps(_describe(task)).encode())

    def open_stream(self, task: Task) -> HarnessStream:
        return RecordStream()


def _describe(task: Task) -> dict[str, object]:
    """The task as the agent reads it; see `agent/task.py`."""
    endpoint = task.endpoint
    return {
        "prompt": task.prompt,
        "directory": task.directory,
        "url": endpoint.url if endpoint else "",
        "protocol": endpoint.protocol.value if endpoint else "",
        "model": endpoint.model if endpoint else "",
        "context_tokens": endpoint.context_tokens if endpoint else None,
        "session": f"{task.run_id}-{task.attempt}",
        "checks": list(task.checks),
        "output_schema": task.output_schema,
    }
