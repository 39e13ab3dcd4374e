"""`/harnesses`: what work can be done with."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.route import Call, Route, Success
from mogplex.api.services import HarnessInfo
from mogplex.api.vocabulary import BASE
from mogplex.domain.access import Scope


def list_harnesses(call: Call) -> ASGIApp:
    return succeed({"harnesses": [harness_object(each) for each in call.services.harnesses()]})


def harness_object(info: HarnessInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "version": info.version,
        "available": info.available,
        "reason": info.reason,
        "remedy": info.remedy,
    }


ROUTES = (
    Route(
        "GET",
        f"{BASE}/harnesses",
        "listHarnesses",
        "List harnesses, whether they can run now, and if not, why",
        Scope.READ,
        list_harnesses,
        (Success(200, "The harnesses.", "HarnessList"),),
    ),
)
