"""The MCP door on the services of this process."""

from __future__ import annotations

from mogplex import __version__
from mogplex.api.admitted import Neighbour
from mogplex.api.services import Services
from mogplex.domain.access import Caller
from mogplex.domain.view import API_PATH
from mogplex.mcp.door import McpDoor
from mogplex.mcp.service_calls import ServiceCalls


def make_mcp(services: Services) -> tuple[Neighbour, ...]:
    """At `/mcp`, where clients look for it, and below the API's path, where the documentation has it."""

    def calls_of(caller: Caller) -> ServiceCalls:
        return ServiceCalls(
            caller, repos=services.repos, runs=services.runs, events=services.events, report=services.report
        )

    door = McpDoor(calls_of, __version__)
    return (
        Neighbour(f"{API_PATH}/mcp", "callMcp", "Speak the Model Context Protocol (Streamable HTTP)", door.answer),
        Neighbour("/mcp", "callMcpShort", "The same at a shorter path", door.answer),
    )
