"""Reading what a caller says of a schedule. Every fault is collected, so that all of them are told at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import is_storable, kind_of
from mogplex.domain.request import RunRequest
from mogplex.domain.schedule import Overlap
from mogplex.service.cron import require_cron

MAX_NAME_CHARACTERS = 100
MAX_ALARM_AFTER = 1000
_KINDS: Mapping[str, tuple[type, str]] = {
    "name": (str, "a string"),
    "cron": (str, "a string"),
    "timeZone": (str, "a string"),
    "overlap": (str, "a string"),
    "catchUp": (bool, "true or false"),
    "alarmAfter": (int, "a whole number"),
    "run": (dict, "an object"),
}


def read_schedule(body: Mapping[str, Any], repo_id: str, *, creating: bool) -> dict[str, Any]:
    """The fields that `body` gives, by the names of `Schedule`. `run` is what POST /runs takes, without `repoId`.

    Raises BadRequest.
    """
    faults = [Detail(str(name)[:100], "is not a known field") for name in body if name not in _KINDS]
    values: dict[str, Any] = {}
    for name, (kind, told) in _KINDS.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            faults.append(Detail(name, f"must be {told}, not {kind_of(value)}"))
        else:
            values[name] = value
    faults += [Detail(name, "is required") for name in ("cron", "run") if creating and body.get(name) is None]
    faults += _faults_of(values)
    if faults:
        raise BadRequest("Invalid request: " + "; ".join(f"{each.field} {each.reason}" for each in faults), faults)
    if "run" in values:
        _require_run(values["run"], repo_id)
    if "cron" in values or "timeZone" in values:
        require_cron(values.get("cron", "* * * * *"), values.get("timeZone", "UTC"))
    renamed = {"timeZone": "time_zone", "catchUp": "catch_up", "alarmAfter": "alarm_after", "run": "request"}
    return {renamed.get(name, name): value for name, value in values.items()}


def _faults_of(values: Mapping[str, Any]) -> list[Detail]:
    faults = []
    name = values.get("name")
    if name is not None and not (1 <= len(name.strip()) <= MAX_NAME_CHARACTERS and is_storable(name)):
        faults.append(Detail("name", f"must have 1 to {MAX_NAME_CHARACTERS} characters"))
    if "overlap" in values and values["overlap"] not in list(Overlap):
        faults.append(Detail("overlap", f"must be one of {', '.join(Overlap)}"))
    if not 1 <= values.get("alarmAfter", 1) <= MAX_ALARM_AFTER:
        faults.append(Detail("alarmAfter", f"must be from 1 to {MAX_ALARM_AFTER}"))
    return faults


def _require_run(run: Mapping[str, Any], repo_id: str) -> None:
    if "repoId" in run:
        reason = "stands beside it, not in it: a schedule belongs to one repo"
        raise BadRequest(f"Invalid request: run.repoId {reason}.", [Detail("run.repoId", reason)])
    try:
        RunRequest.of({**run, "repoId": repo_id})
    except BadRequest as fault:
        details = [Detail(f"run.{each.field}", each.reason) for each in fault.details]
        raise BadRequest(f"run: {fault.message}", details) from fault
