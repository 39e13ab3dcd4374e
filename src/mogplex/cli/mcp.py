"""`mogplex mcp`: Mogplex as tools for an agent that starts this command."""

from __future__ import annotations

import importlib.util

import anyio
import click

from mogplex import __version__
from mogplex.cli import exit_codes
from mogplex.cli.failures import CommandFailed
from mogplex.cli.options import Server, examples, raw_server_options
from mogplex.mcp.toolset import build_server

_LOOK_SECONDS = 5.0  # each look is a request, and a key has 60 a minute


@click.command(
    "mcp",
    epilog=examples(
        "claude mcp add mogplex -- mogplex mcp",
        "codex mcp add mogplex -- mogplex mcp",
        "claude mcp add --transport http mogplex http://127.0.0.1:7433/mcp --header 'Authorization: Bearer mog_...'",
    ),
)
@raw_server_options
def serve_stdio(server: Server) -> int:
    """Speak the Model Context Protocol on stdin and stdout, for the server and key of this machine.

    An agent starts this itself; what its tools may do is what the key may do.
    """
    if importlib.util.find_spec("mcp") is None:
        raise CommandFailed(
            "the MCP library is not installed",
            "SERVICE_UNAVAILABLE",
            exit_codes.FAILURE,
            "pip install '.[mcp]' in Mogplex's checkout",
        )
    client = server.client
    anyio.run(build_server(lambda: client, __version__, _LOOK_SECONDS).run_stdio_async)
    return exit_codes.OK
