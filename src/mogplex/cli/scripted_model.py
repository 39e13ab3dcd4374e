"""`mogplex scripted-model`: a model server that plays a scenario, to rehearse without spending."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from mogplex.cli import exit_codes
from mogplex.cli.options import examples
from mogplex.cli.output import note, write_line
from mogplex.domain.errors import MogplexError
from mogplex.gateway.scripted.scenario import Scenario
from mogplex.gateway.scripted.scenario_file import read_scenario
from mogplex.gateway.scripted.server import ScriptedModel

DEFAULT_PORT = 7434


@click.command(
    "scripted-model",
    epilog=examples(
        "mogplex scripted-model examples/scenarios/fix-the-test.yaml",
        "mogplex scripted-model scenario.yaml --port 0 --log requests.jsonl",
    ),
)
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on [127.0.0.1].")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, metavar="N", help="Port, 0 for any [7434]."
)
@click.option(
    "--log", "log_file", type=click.Path(path_type=Path), metavar="FILE",
    help="Append a JSON line for each request, without keys.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Only read the scenario and say whether it can be played.")
def serve_scenario(scenario: Path, host: str, port: int, log_file: Path | None, check: bool) -> int:
    """Play a scenario as a model server: OpenAI Responses, Chat Completions and Anthropic Messages, until Ctrl-C."""
    try:
        script = read_scenario(scenario)
    except MogplexError as fault:
        note(f"error: {fault.message}")
        return exit_codes.FAILURE
    if check:
        write_line(f"{script.name}: {_turns(script)}, can be played")
        return exit_codes.OK
    try:
        asyncio.run(_serve(script, host, port, log_file))
    except OSError as fault:
        note(f"error: {host}:{port} can't be served: {fault}; try --port 0")
        return exit_codes.FAILURE
    return exit_codes.OK


async def _serve(script: Scenario, host: str, port: int, log_file: Path | None) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ScriptedModel(script, host, port, log_file) as model:
        write_line(f"scripted model {script.name!r} ({_turns(script)}) at {model.url}")
        key = "the key of the scenario" if script.api_key else "any key"
        write_line(f"for OpenAI clients: {model.url}/v1, for Anthropic clients: {model.url}, with {key}")
        await stopped.wait()


def _turns(script: Scenario) -> str:
    return "1 turn" if len(script.turns) == 1 else f"{len(script.turns)} turns"
