"""A harness in its sandbox: start it, follow its output into the transcript, stop it, hear its claim."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

from mogplex.domain.ending import Cause
from mogplex.domain.errors import SandboxError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.kept_work import introduce
from mogplex.domain.ports import Claim, Harness, HarnessStream, Mount, SandboxExit, SandboxProcess, SandboxSpec, Task
from mogplex.domain.run import Run
from mogplex.domain.secret import Phase
from mogplex.domain.weakness import find_weaknesses
from mogplex.worker.activity import Activity
from mogplex.worker.clock import PhaseClock
from mogplex.worker.conversation import STATE_FOLDER, Conversation
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Equipment
from mogplex.worker.models import Models
from mogplex.worker.patience import patiently
from mogplex.worker.stall import StallWatch
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import OwnershipLost, Stop, Stopped
from mogplex.worker.transcript import Lines, Transcript
from mogplex.workspace.checkout import Checkout

# Between SIGINT and the end of the sandbox. Who cancels is promised a dead sandbox and a final record within 2 s.
INTERRUPT_SECONDS = 5.0
SHORT_INTERRUPT_SECONDS = 0.4
_AWAITED = (Cause.CANCELLED, Cause.SUPERSEDED, Cause.SANDBOX, Cause.WORKER)  # somebody waits for these to be over
DRAIN_SECONDS = 5.0  # after the last process is gone, for what is still in the pipes


class HarnessRun:
    """One run of one harness. It translates and records; it decides nothing."""

    def __init__(
        self,
        run: Run,
        equipment: Equipment,
        transcript: Transcript,
        stop: Stop,
        egress: Egress,
        activity: Activity,
        models: Models,
        conversation: Conversation,
    ) -> None:
        self._egress = egress
        self._models = models
        self._conversation = conversation
        self._activity = activity
        self._run = run
        self._equipment = equipment
        self._transcript = transcript
        self._stop = stop
        self._started = False
        self.lingered = False
        self._harness = find_harness(run, equipment)
        self._task = Task(
            run_id=run.id,
            attempt=run.attempt,
            prompt=self._prompt(),
            directory=work_directory(run),
            model=run.model,
            mode=run.mode,
            checks=run.checks,
            timeout_seconds=run.timeout_seconds,
            output_schema=run.output_schema,
            endpoint=models.endpoint,
            session=conversation.session,
            state_folder=STATE_FOLDER,
            model_calls=run.budget.model_calls,
            tool_calls=run.budget.tool_calls,
        )

    async def start(self, start: StartPoint, checkout: Checkout, clock: PhaseClock) -> SandboxProcess:
        """Start the sandbox and say with which limits. Raises SandboxError."""
        launch = self._harness.launch(self._task)
        tools, prepared = self._equipment.tools, start.prepared
        spec = SandboxSpec(
            name=f"{self._run.id}-{self._run.attempt}",
            argv=launch.argv,
            mounts=(
                *checkout.mounts(),
                *prepared.mounts,
                *_beside(launch.mounts, tools.mounts),
                *launch.mounts,
                *self._conversation.mounts(),
            ),
            environment={
                **tools.environment,
                **prepared.environment,
                "TRACEPARENT": await patiently(self._equipment.attempts.traceparent, self._run),
                **start.environment_for(Phase.AGENT),
                **launch.environment,
            },
            path=(*prepared.path, *launch.path, *tools.path),
            directory=self._task.directory,
            limits=self._equipment.limits,
            stdin=launch.stdin,
            image=start.repo.image,
        )
        with clock.phase("preparing", "sandboxMs"):
            process = await self._equipment.driver.start(self._models.equip(self._egress.equip(spec)))
        self._activity.start()
        self._egress.serve(process)
        self._models.serve(process)
        payload = {
            "driver": self._equipment.driver.name,
            "baseCommit": checkout.commit,
            "limits": dict(process.enforced),
            "weaknesses": list(find_weaknesses(self._equipment.driver.name, process.enforced)),
            **clock.parts,
        }
        await self._transcript.add(EventDraft(EventType.SANDBOX_READY, "sandbox ready", payload=payload))
        return process

    def _prompt(self) -> str:
        """The run's own; models are told besides what an earlier run has left them."""
        if not self._run.resume or not self._harness.protocols:
            return self._run.prompt
        told = introduce(self._conversation.kept, self._conversation.session)
        return self._run.prompt if told is None else f"{told}\n\n{self._run.prompt}"

    async def follow(self, process: SandboxProcess) -> tuple[Claim, SandboxExit]:
        """Until the last process is gone: because it ended, because a stop came first, or because it stayed too long
        after its last record (`lingered`)."""
        stream = self._harness.open_stream(self._task)
        stall = StallWatch(self._equipment.deadlines, self._activity, self._stop)
        watching = asyncio.create_task(stall.watch(process.cpu_seconds), name="stall watch")
        output = asyncio.gather(self._drain_stdout(process, stream), self._transcript.drain_stderr(process.stderr))
        try:
            exit = await self._stop.or_result(process.wait())
        except Stopped:
            exit = await self._interrupt(process)
        except OwnershipLost:
            process.kill()
            exit = await process.wait()
        finally:
            watching.cancel()
            process.kill()
            await process.wait()
            await _settle(output)
        if self._stop.lost:
            raise OwnershipLost
        self.lingered = self.lingered and exit.killed_by == "caller"  # it may have left just before
        if self.lingered:
            await self._transcript.note(f"{self._harness.name} stayed after its last record and was ended.")
        return self._explain(stream.close(), exit), exit

    def _explain(self, claim: Claim, exit: SandboxExit) -> Claim:
        """A program that could not even begin (a setting it does not know, say) tells why on stderr alone."""
        if claim.whole or claim.error or not self._transcript.last_words:
            return claim
        error = (
            f"The harness stopped before its last record (exit code {exit.exit_code}). "
            f"Its last words on stderr: {self._transcript.last_words}"
        )
        return replace(claim, error=error)

    async def _interrupt(self, process: SandboxProcess) -> SandboxExit:
        """Ask it to stop, so that it can write down what was said, and after some time end it."""
        process.interrupt()
        seconds = SHORT_INTERRUPT_SECONDS if self._stop.cause in _AWAITED else INTERRUPT_SECONDS
        with suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), seconds)  # a wait may be cancelled without harm
        process.kill()
        return await process.wait()

    def _end_lingering(self, process: SandboxProcess) -> None:
        self.lingered = not self._stop.is_set
        process.kill()

    async def _drain_stdout(self, process: SandboxProcess, stream: HarnessStream) -> None:
        lines = Lines()
        begun = time.monotonic()
        lingering: asyncio.TimerHandle | None = None
        async for chunk in process.stdout:
            self._activity.touch()
            self._transcript.raw.add(chunk)
            for line in lines.feed(chunk):
                await self._take(list(stream.feed(line)), begun)
            if lingering is not None and not stream.ended:  # it took its last record back
                lingering.cancel()
                lingering = None
            if stream.ended and lingering is None:
                seconds = self._equipment.deadlines.linger_seconds
                lingering = asyncio.get_running_loop().call_later(seconds, self._end_lingering, process)
        for line in lines.close():
            await self._take(list(stream.feed(line)), begun)
        if lingering is not None:
            lingering.cancel()

    async def _take(self, drafts: list[EventDraft], begun: float) -> None:
        if not self._started:
            self._started = True
            if not any(draft.type is EventType.STREAM_STARTED for draft in drafts):
                drafts.insert(0, self._stream_started(begun))
        await self._transcript.add(*drafts)

    def _stream_started(self, begun: float) -> EventDraft:
        payload = {
            "harness": self._harness.name,
            "version": self._harness.probe().facts.get("version"),
            "model": self._run.model,
            "waitedMs": round((time.monotonic() - begun) * 1000),
        }
        return EventDraft(EventType.STREAM_STARTED, f"{self._harness.name} started", payload=payload)


def find_harness(run: Run, equipment: Equipment) -> Harness:
    """Raises SandboxError when this worker does not have it."""
    harness = equipment.harnesses.get(run.harness)
    if harness is None:
        raise SandboxError(f"This worker has no harness {run.harness!r}; it has {', '.join(equipment.harnesses)}.")
    return harness


def _beside(own: tuple[Mount, ...], tools: tuple[Mount, ...]) -> tuple[Mount, ...]:
    """The common tools, but where the harness mounts something of its own."""
    taken = {mount.target for mount in own}
    return tuple(mount for mount in tools if mount.target not in taken)


def work_directory(run: Run) -> str:
    """The run's folder as seen inside a sandbox."""
    return f"/work/{run.root_directory}" if run.root_directory else "/work"


def sandbox_end(killed_by: str, equipment: Equipment) -> tuple[Cause, str]:
    """The cause and the words for a sandbox that was ended by one of its limits."""
    limits = equipment.limits
    if killed_by == "wall_clock":
        return Cause.TIMED_OUT, f"The sandbox reached its wall-clock limit of {limits.wall_seconds:g} s."
    if killed_by == "memory":
        return Cause.SANDBOX, f"The sandbox used more memory than its limit of {limits.memory_bytes >> 20:,} MiB."
    if killed_by == "disk":
        written = f"The sandbox wrote more than its limit of {limits.disk_bytes >> 20:,} MiB"
        return Cause.SANDBOX, f"{written}, or its disk is nearly full."
    return Cause.SANDBOX, f"The sandbox was lost ({killed_by})."


async def _settle(output: asyncio.Future[tuple[None, None]]) -> None:
    """Let the readers reach the end of the pipes; nobody can write to them any more."""
    try:
        await asyncio.wait_for(output, DRAIN_SECONDS)
    except TimeoutError:
        raise SandboxError("The output of the sandbox did not end although its processes did.") from None
