"""The seams of the house: what a sandbox, a harness and a dispatcher must offer (a forge: `forge_port.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any, Protocol

from mogplex.domain.event import EventDraft
from mogplex.domain.model import ModelEndpoint, ModelProtocol
from mogplex.domain.model_call import ModelCall
from mogplex.domain.run import Run

HOST_IMAGE = "host"

# --- sandbox ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mount:
    """A host path shown inside the sandbox at `target`; read-only unless said otherwise."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What the processes of one sandbox may use together. The driver says which of these it really enforces."""

    wall_seconds: float = 1800.0
    memory_bytes: int = 4 * 1024**3
    processes: int = 512
    open_files: int = 4096
    file_bytes: int = 2 * 1024**3  # one file
    disk_bytes: int = 10 * 1024**3  # everything under the writable mounts
    tmp_bytes: int = 512 * 1024**2  # the private /tmp
    cpu_cores: float | None = None


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One command in one fresh sandbox. `environment` is all the command gets besides PATH, HOME, TMPDIR and LANG.

    `image`: the container image it runs in; "" is the driver's own choice. HOST_IMAGE is this machine's own /usr, and
    all there is for drivers without images.
    `listeners`: TCP ports on the sandbox's own 127.0.0.1 that somebody outside will serve (`SandboxProcess.listeners`).
    """

    name: str
    argv: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()  # folders put before /usr/bin in PATH
    directory: str = "/work"
    limits: Limits = Limits()
    stdin: bytes = b""
    listeners: tuple[int, ...] = ()
    image: str = ""


@dataclass(frozen=True, slots=True)
class SandboxExit:
    """How a sandbox ended. `exit_code` is None when it was killed; `killed_by` then names the first cause.

    `killed_by`: None | "caller" (kill() was called) | "wall_clock" | "memory" | "disk" | "lost" (driver failed).
    """

    exit_code: int | None
    killed_by: str | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int | None
    processes_left: int


class SandboxProcess(Protocol):
    """A running sandbox. Both streams must be drained; a slow reader slows the command down, nothing is dropped."""

    @property
    def enforced(self) -> Mapping[str, str]:
        """Limit name -> how it is enforced ("cgroup", "rlimit", "watchdog", "timer", "tmpfs", "none")."""
        ...

    @property
    def stdout(self) -> AsyncIterator[bytes]: ...

    @property
    def stderr(self) -> AsyncIterator[bytes]: ...

    @property
    def listeners(self) -> Mapping[int, socket]:
        """A listening socket for each port of the spec's `listeners`, there before the command ran: whoever connects
        early waits. Closed when the sandbox ends; who serves one takes a `dup()` of it."""
        ...

    def cpu_seconds(self) -> float | None:
        """CPU time that its processes have used so far, for who watches whether it is stuck; None: not known."""
        ...

    def interrupt(self) -> None:
        """Ask the command to stop (SIGINT to the command itself, not to the sandbox's init)."""
        ...

    def kill(self) -> None:
        """End every process of the sandbox now. Safe to call twice and after the end."""
        ...

    async def wait(self) -> SandboxExit:
        """Return once no process of the sandbox is left."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether something can be used here and now; `remedy` tells what to type when it can't."""

    ok: bool
    detail: str
    remedy: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class SandboxDriver(Protocol):
    name: str

    @property
    def can_listen(self) -> bool:
        """Whether `SandboxSpec.listeners` is possible; where it is not, `start` refuses such a spec."""
        ...

    async def probe(self) -> Probe:
        """Really start one command; never guess."""
        ...

    async def start(self, spec: SandboxSpec) -> SandboxProcess:
        """Start `spec`. Raises SandboxError when the sandbox itself could not be made."""
        ...


# --- harness ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """What a harness is asked to do. Paths are as seen inside the sandbox.

    `endpoint` is there for harnesses that have `protocols`. `session` is what an earlier attempt or run of the same
    harness left as its `Claim.session`, when its conversation is to go on. `state_folder` is writable and outlives the
    run: whatever a harness needs to take up its conversation again must lie below it (a home, a config folder).
    """

    run_id: str
    attempt: int
    prompt: str
    directory: str  # where to work: /work or /work/<rootDirectory>
    model: str | None = None
    mode: str | None = None
    checks: tuple[str, ...] = ()
    timeout_seconds: float = 1800.0
    output_schema: Mapping[str, Any] | None = None
    endpoint: ModelEndpoint | None = None
    session: str | None = None
    state_folder: str | None = None
    model_calls: int | None = None  # limits of the run, for harnesses with a fence of their own; ours stands anyway
    tool_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """The command that runs a harness, and what it needs to see."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    path: tuple[str, ...] = ()
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the harness itself said at the end: a claim, never a fact.

    `whole` is False when its stream stopped before its own last record. `success` is None when it said nothing.
    """

    success: bool | None
    whole: bool
    summary: str = ""
    error: str | None = None
    result: Mapping[str, Any] | None = None
    session: str | None = None  # the harness's own name of its conversation, by which it can be resumed


class HarnessStream(Protocol):
    """Translates one attempt's output into events. It decides nothing."""

    @property
    def ended(self) -> bool:
        """Whether its last record was seen: a program that stays after that is ended without blame."""
        ...

    def feed(self, line: bytes) -> Iterable[EventDraft]:
        """One line of stdout without its newline; unknown or broken lines become `log` events."""
        ...

    def close(self) -> Claim: ...


class Harness(Protocol):
    name: str

    @property
    def protocols(self) -> tuple[ModelProtocol, ...]:
        """The model protocols it can speak, best first; empty when it works without a model."""
        ...

    def probe(self) -> Probe:
        """`facts["version"]` when known."""
        ...

    def launch(self, task: Task) -> Launch: ...

    def open_stream(self, task: Task) -> HarnessStream: ...


# --- models ----------------------------------------------------------------------------------------------------


class ModelEar(Protocol):
    """What an attempt wants to hear of its model traffic. Called on the worker's loop; nothing here waits."""

    def touch(self) -> None:
        """Something passed: the harness is alive."""
        ...

    def tell(self, draft: EventDraft) -> None: ...

    def tell_call(self, call: ModelCall) -> None:
        """One call ended, well or not."""
        ...

    def refuse(self, detail: str) -> None:
        """A limit is used up, and the call that comes now will be refused for it."""
        ...


class ModelDoor(Protocol):
    """The models as one attempt reaches them."""

    @property
    def endpoint(self) -> ModelEndpoint: ...

    @property
    def fault(self) -> str | None:
        """Why the last call failed for good; None when it went well, or when there was none."""
        ...

    def serve(self, listener: socket) -> None:
        """Answer who comes in on `listener`, which is the door's own from now on, until the door is closed."""
        ...


class ModelGateway(Protocol):
    def open(
        self, run: Run, protocols: Sequence[ModelProtocol], ear: ModelEar, url: str
    ) -> AbstractAsyncContextManager[ModelDoor]:
        """A door for one attempt, whose harness will find it at `url`. Once it is closed, every call of it was told.

        Raises BadRequest when the run's model is not to be had.
        """
        ...


# --- dispatch --------------------------------------------------------------------------------------------------


class Dispatcher(Protocol):
    """Carries a run to the worker that has taken it. Our tables hold the truth, and who goes next is decided there."""

    def hand_over(self, transaction: Any, run_id: str, worker_id: str, number: int) -> None:
        """Give a run to a worker, inside the caller's open transaction, so that row and hand-over appear together.

        `number` tells the hand-overs of one run apart.
        """
        ...
