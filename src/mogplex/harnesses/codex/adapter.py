"""The `codex` harness behind the port."""

from __future__ import annotations

from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.model import ModelProtocol
from mogplex.domain.ports import Launch, Probe, Task
from mogplex.harnesses.codex import binary
from mogplex.harnesses.codex.launch import KEY, KEY_VARIABLE, command
from mogplex.harnesses.codex.stream import CodexStream
from mogplex.harnesses.installed import Kind

PROGRAM = Kind(
    "codex",
    setting="MOGPLEX_CODEX_BIN",
    install="pip install '.[codex]' in Mogplex's checkout, or put codex in PATH, or set MOGPLEX_CODEX_BIN",
    tried=("0.163.0",),
)


class CodexHarness:
    """OpenAI's `codex exec`. `shared` is a folder for what sandboxes can't read in its place.

    `program` is the binary to use, for one that is not to be looked for.
    """

    name = "codex"
    protocols: tuple[ModelProtocol, ...] = (ModelProtocol.RESPONSES,)

    def __init__(self, shared: Path, program: Path | None = None) -> None:
        self._shared = shared
        self._setting = program

    def probe(self) -> Probe:
        """Asks the binary for its version."""
        return PROGRAM.probe(binary.find(self._setting), self._setting, f"a model that speaks {self.protocols[0]}")

    def launch(self, task: Task) -> Launch:
        """Raises SandboxError when there is no binary or no model, OSError when sandboxes can't be shown the binary."""
        program = binary.find(self._setting)
        if program is None:
            raise SandboxError(f"Codex is not installed on this worker: {PROGRAM.install}.")
        if task.endpoint is None:
            raise SandboxError(f"The harness {self.name!r} needs a model; configure a provider that has one.")
        mount, inside = binary.mount(program.path, self._shared)
        return Launch(
            argv=command(inside, task, task.endpoint.model, task.endpoint.url),
            environment={KEY_VARIABLE: KEY},
            mounts=(mount,),
            stdin=task.prompt.encode(),
        )

    def open_stream(self, task: Task) -> CodexStream:
        return CodexStream(wants_result=task.output_schema is not None)
