"""The `claude-code` harness behind the port."""

from __future__ import annotations

from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.model import ModelProtocol
from mogplex.domain.ports import Launch, Probe, Task
from mogplex.harnesses.claude_code import binary
from mogplex.harnesses.claude_code.launch import ENVIRONMENT, command
from mogplex.harnesses.claude_code.stream import ClaudeStream
from mogplex.harnesses.installed import Kind

PROGRAM = Kind(
    "claude",
    setting="MOGPLEX_CLAUDE_BIN",
    install="pip install --no-deps claude-agent-sdk==0.2.187, or put claude in PATH, or set MOGPLEX_CLAUDE_BIN",
    tried=("2.1.330",),
    environment={"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
)


class ClaudeCodeHarness:
    """Anthropic's `claude -p`. `shared` is a folder for what sandboxes can't read in its place.

    `program` is the binary to use, for one that is not to be looked for.
    """

    name = "claude-code"
    protocols: tuple[ModelProtocol, ...] = (ModelProtocol.MESSAGES,)

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
            raise SandboxError(f"Claude Code is not installed on this worker: {PROGRAM.install}.")
        if task.endpoint is None:
            raise SandboxError(f"The harness {self.name!r} needs a model; configure a provider that has one.")
        mount, inside = binary.mount(program.path, self._shared)
        return Launch(
            argv=command(inside, task, task.endpoint.model),
            environment={**ENVIRONMENT, "ANTHROPIC_BASE_URL": task.endpoint.url},
            mounts=(mount,),
            stdin=task.prompt.encode(),
        )

    def open_stream(self, task: Task) -> ClaudeStream:
        return ClaudeStream()
