"""A repo's setup: found, run once in a sandbox of the runs' shape, kept, and shown to the harness and the checks.

Nothing of ours and nothing of the repo owner's `env` is in that sandbox: it has the network, a run has the variables.
Only secrets that the owner names for it are there.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Mount, SandboxExit, SandboxSpec
from mogplex.domain.run import Run
from mogplex.domain.secret import Phase, versions_of
from mogplex.domain.setup import ENVIRONMENT, KEYED, VERSIONS, choose, is_none
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Equipment, Tools
from mogplex.worker.harness_run import work_directory
from mogplex.worker.setup_sandbox import LAYOUT, make_spec, run_to_end, show_environment
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import Stop
from mogplex.worker.toolchains import Interpreter
from mogplex.worker.transcript import RawLog, Transcript
from mogplex.workspace.detection import steps_from

SHOWN_CHARACTERS = 2000  # of the output, in the error
KEPT_CHARACTERS = 8000  # of the output, in the event
PROBE_SECONDS = 60.0
PYTHON = "python3"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to run. `tools` are the programs that may be used; `key` names the result; `python` makes /env."""

    commands: tuple[str, ...]
    detected: bool
    tools: tuple[str, ...]
    key: str
    python: str = PYTHON


class Setup:
    """The setup of one run."""

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop) -> None:
        self._run = run
        self._equipment = equipment
        self._transcript = transcript
        self._stop = stop

    @asynccontextmanager
    async def open(self, start: StartPoint) -> AsyncIterator[StartPoint]:
        """The start point with what its setup installed, which stays until the body ends.

        Raises WorkspaceError when the setup fails.
        """
        recipe = await self._find_recipe(start)
        toolchains = self._equipment.toolchains
        if recipe is None:
            yield replace(start, prepared=Tools(toolchains.mounts, {}, toolchains.path))
            return
        begun = time.monotonic()
        command = "\n".join(recipe.commands) or f"{recipe.python} -m venv {ENVIRONMENT}"
        payload = {"command": command, "detected": recipe.detected}
        await self._transcript.add(EventDraft(EventType.SETUP_STARTED, command, payload=payload))
        output = RawLog()

        async def build(folder: Path) -> None:
            await self._build(start, recipe, folder, output, begun)

        async with self._equipment.environments.open(self._run.repo_id, recipe.key, build) as snapshot:
            await self._tell(0, snapshot.cached, begun, output.text())
            shown = show_environment(snapshot.folder)
            prepared = Tools((*toolchains.mounts, *shown.mounts), shown.environment, (*shown.path, *toolchains.path))
            yield replace(start, prepared=prepared, prepared_key=recipe.key)

    # --- finding out -------------------------------------------------------------------------------------------

    async def _find_recipe(self, start: StartPoint) -> Recipe | None:
        """None: there is nothing to do."""
        configured: tuple[str, ...] = start.repo.setup
        python = self._find_python(start)
        if configured and is_none(configured) and python is None:
            return None
        root = self._run.root_directory
        entries = {each.path: each for each in await start.mirror.list_folder(start.commit, root)}
        steps = () if configured else await steps_from(start.mirror, entries.values())
        if not configured and not steps and python is None:
            return None
        program = str(python.path) if python else PYTHON
        tools = await self._probe(start, program)
        commands = configured
        if not configured:
            chosen, notes = choose(steps, tools)
            for note in notes:
                await self._transcript.add(EventDraft(EventType.LOG, note, payload={"stream": "mogplex"}))
            if not chosen and python is None:
                return None
            commands = tuple(step.command for step in chosen)
            tools = {name: tools[name] for name in tools if name in {PYTHON, *(step.tool for step in chosen)}}
        parts = [*commands, root, *(f"{tool} {version}" for tool, version in sorted(tools.items()))]
        parts += [f"{each.path} {each.object_id}" for name, each in sorted(entries.items()) if KEYED.match(name)]
        parts += await self._named_files(start, commands)
        parts += [f"secret {version}" for version in versions_of(start.repo.secrets, Phase.SETUP)]
        parts += [f"layout {LAYOUT} {self._equipment.driver.name} {start.repo.image}".rstrip()]
        key = hashlib.sha256(b"\0".join(part.encode("utf-8", "surrogateescape") for part in parts)).hexdigest()
        return Recipe(commands, not configured, tuple(tools), key, program)

    def _find_python(self, start: StartPoint) -> Interpreter | None:
        """The one that the repo asks for; None when it asks for none. Raises WorkspaceError when it isn't here."""
        wanted = start.repo.python
        if wanted is None:
            return None
        toolchains = self._equipment.toolchains
        found = toolchains.find_python(wanted)
        if found is None:
            there = ", ".join(each.version for each in toolchains.interpreters()) or "none"
            raise WorkspaceError(
                f"The repo wants Python {wanted}, but this worker has {there}. Name a folder that has it in "
                f"MOGPLEX_TOOLCHAINS, or choose another: mogplex repos set {start.repo.id} --python VERSION"
            )
        return found

    async def _named_files(self, start: StartPoint, commands: tuple[str, ...]) -> list[str]:
        """What the words of the commands name in the repo: a script or a list that changes asks for another setup."""
        folder = PurePosixPath(self._run.root_directory)
        paths = {str(folder / word) for command in commands for word in _words(command)} - {"."}
        plain = [path for path in paths if not path.startswith("/") and ".." not in PurePosixPath(path).parts]
        return [f"{each.path} {each.object_id}" for each in await start.mirror.object_ids(start.commit, plain)]

    async def _probe(self, start: StartPoint, python: str) -> dict[str, str]:
        """Which of the programs the sandbox has, with their versions. Asked each time: systems are upgraded."""
        script = "".join(
            f"if command -v {program} > /dev/null; then printf '%s\\t%s\\n' {tool} "
            f'"$({ask.replace(tool, program, 1)} 2> /dev/null | head -n 1)"; fi\n'
            for tool, ask in VERSIONS.items()
            for program in (shlex.quote(python) if tool == PYTHON else tool,)
        )
        limits = replace(self._equipment.limits, wall_seconds=PROBE_SECONDS)
        name = f"{self._run.id}-{self._run.attempt}-tools"
        toolchains = self._equipment.toolchains
        spec = SandboxSpec(
            name,
            ("/bin/sh", "-c", script),
            mounts=toolchains.mounts,
            path=toolchains.path,
            directory="/",
            limits=limits,
            image=start.repo.image,
        )
        output = RawLog()
        await self._stop.or_result(run_to_end(self._equipment.driver, spec, output))
        pairs = (line.partition("\t") for line in output.text().splitlines())
        return {tool: version for tool, _, version in pairs if tool in VERSIONS}

    # --- doing it ----------------------------------------------------------------------------------------------

    async def _build(self, start: StartPoint, recipe: Recipe, folder: Path, output: RawLog, begun: float) -> None:
        """Fill `folder`. Raises WorkspaceError, with what the commands said last."""
        layout = self._equipment.layout
        checkout = await start.check_out("setup")
        scratch = start.folder / "setup-scratch"
        layout.create_private(scratch)
        installer, toolchains = self._equipment.installer, self._equipment.toolchains
        spec = make_spec(
            f"{self._run.id}-{self._run.attempt}-setup",
            recipe.commands,
            work_directory(self._run),
            (*checkout.mounts(), Mount(folder, ENVIRONMENT, writable=True), installer.mount),
            scratch,
            Tools(toolchains.mounts, self._variables(start), (*installer.path, *toolchains.path)),
            self._equipment.limits,
            recipe.python,
            start.repo.image,
        )
        hosts = {*start.repo.allow_hosts, *await self._equipment.registries.hosts_for(recipe.tools)}
        driver = self._equipment.driver
        async with Egress(sorted(hosts), self._transcript.add, driver, self._equipment.reach) as egress:
            exit = await run_to_end(driver, spec, output, egress)
        if exit.exit_code != 0:
            self._transcript.raw.add(output.text().encode())  # it is all that `sandboxes logs` will have to show
            await self._tell(exit.exit_code, False, begun, output.text())
            raise WorkspaceError(_explain(exit, recipe, output.text()))
        await asyncio.gather(layout.remove_tree(checkout.directory), layout.remove_tree(scratch))

    def _variables(self, start: StartPoint) -> dict[str, str]:
        """Its installer's and the operator's, and those secrets whose owner wants them here."""
        own = {**self._equipment.installer.environment, **self._equipment.registries.variables}
        return {**own, **start.environment_for(Phase.SETUP)}

    async def _tell(self, exit_code: int | None, cached: bool, begun: float, output: str) -> None:
        duration_ms = round((time.monotonic() - begun) * 1000)
        if cached:
            text = "setup taken from the cache"
        else:
            text = "setup done" if exit_code == 0 else f"setup failed (exit code {exit_code})"
        payload = {
            "exitCode": exit_code,
            "cached": cached,
            "durationMs": duration_ms,
            "output": output[-KEPT_CHARACTERS:],
        }
        await self._transcript.add(EventDraft(EventType.SETUP_FINISHED, text, payload=payload))


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)  # with the words of comments
    except ValueError:
        words = command.split()  # an open quote: the shell will say so
    return [part.strip(";&|()") for word in words for part in word.split("=") if part.strip(";&|()./")]


def _explain(exit: SandboxExit, recipe: Recipe, output: str) -> str:
    how = f"ended with exit code {exit.exit_code}" if exit.exit_code is not None else f"was ended ({exit.killed_by})"
    found = "that was found from the repo's files " if recipe.detected else ""
    remedy = "Correct it, or give the repo's setup yourself (`true` for none)" if recipe.detected else "Correct it"
    return (
        f"The setup {found}{how}: {' ; '.join(recipe.commands)}. {remedy}. "
        f"`sandboxes logs` has its output, which ends:\n"
        f"{output.strip()[-SHOWN_CHARACTERS:]}"
    )
