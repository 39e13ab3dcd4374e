"""JSON Schemas of what is answered, for the OpenAPI document. Tests hold them to the objects really sent."""

from __future__ import annotations

from mogplex.api.automation_schemas import AUTOMATION
from mogplex.api.repo_schemas import REPOS
from mogplex.api.run_schema import RUN, VERDICT
from mogplex.api.shapes import (
    ANYTHING,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Schema,
    either_null,
    list_of,
    ref,
    shape,
)
from mogplex.domain.access import Scope
from mogplex.domain.check import CheckTarget, Reason
from mogplex.domain.errors import ErrorCode
from mogplex.domain.event import EventType
from mogplex.domain.run import Status
from mogplex.domain.sandbox import SandboxStatus

_EVENT = shape(
    id=TEXT,
    seq={**WHOLE, "minimum": 1},
    type={"enum": list(EventType)},
    toolName=either_null(TEXT),
    message=either_null(TEXT),
    payload=ANYTHING,
    createdAt=TIME,
    attempt=WHOLE,
)
EVENT = {**_EVENT, "properties": {**_EVENT["properties"], "raw": either_null(TEXT)}}  # only with ?raw=1

KEY = shape(
    id=TEXT,
    name=TEXT,
    owner=TEXT,
    prefix=TEXT,
    scopes=list_of({"enum": list(Scope)}),
    repos=either_null(list_of(TEXT)),
    createdAt=TIME,
    expiresAt=either_null(TIME),
    lastUsedAt=either_null(TIME),
    revokedAt=either_null(TIME),
)

CHECK = shape(
    command=TEXT,
    target={"enum": list(CheckTarget)},
    verdict=VERDICT,
    exitCode=either_null(WHOLE),
    output=TEXT,
    durationMs=WHOLE,
    tests=shape(passed=either_null(WHOLE), failed=either_null(WHOLE), skipped=either_null(WHOLE)),
    failures=either_null(list_of(TEXT)),
    reason=either_null({"enum": list(Reason)}),
    detail=TEXT,
    cached=FLAG,
    attempt=WHOLE,
    createdAt=either_null(TIME),
)

SANDBOX = shape(
    id=TEXT,
    sandbox_id=TEXT,
    run_id=TEXT,
    attempt=WHOLE,
    repo_id=TEXT,
    repo_full_name=TEXT,
    worker_id=TEXT,
    status={"enum": list(SandboxStatus)},
    driver=either_null(TEXT),
    limits=ANYTHING,
    enforced=ANYTHING,
    exit_code=either_null(WHOLE),
    killed_by=either_null(TEXT),
    wall_seconds=either_null(NUMBER),
    cpu_seconds=either_null(NUMBER),
    peak_memory_bytes=either_null(WHOLE),
    processes_left=either_null(WHOLE),
    created_at=TIME,
    ended_at=either_null(TIME),
    stop_requested_at=either_null(TIME),
    stop_requested_by=either_null(TEXT),
)

HARNESS = shape(
    name=TEXT,
    version=either_null(TEXT),
    available=FLAG,
    reason=either_null(TEXT),
    remedy=either_null(TEXT),
)

ERROR = shape(
    ok={"const": False},
    error=shape(
        code={"enum": list(ErrorCode)},
        message=TEXT,
        details=list_of(shape(field=TEXT, reason=TEXT)),
        requestId=TEXT,
    ),
)

_NEXT = either_null(TEXT)
_WINDOW = shape(limit=WHOLE, left=WHOLE)
_WINDOWS: Schema = {"type": "object", "additionalProperties": _WINDOW}

ANSWERS: dict[str, Schema] = {
    **REPOS,
    "Run": RUN,
    "StartedRun": {"allOf": [ref("Run"), shape(replayed=FLAG)]},
    "RunAnswer": shape(run=ref("Run")),
    "RunPage": shape(runs=list_of(ref("Run")), nextCursor=_NEXT),
    "CancelAnswer": shape(run=ref("Run"), status={"enum": list(Status)}, alreadyTerminal=FLAG),
    "Check": CHECK,
    "CheckList": shape(checks=list_of(ref("Check"))),
    "Event": EVENT,
    "EventPage": shape(run=ref("Run"), events=list_of(ref("Event")), nextAfter=WHOLE, hasMore=FLAG),
    "Key": KEY,
    "KeyAnswer": shape(key=ref("Key")),
    "KeyList": shape(keys=list_of(ref("Key"))),
    "CreatedKey": shape(key={"allOf": [ref("Key"), shape(secret=TEXT)]}),
    "Me": {"allOf": [ref("Key"), shape(limits=shape(requests=_WINDOWS, starts=_WINDOWS))]},
    "Harness": HARNESS,
    "HarnessList": shape(harnesses=list_of(ref("Harness"))),
    "Sandbox": SANDBOX,
    "SandboxAnswer": shape(sandbox=ref("Sandbox")),
    "SandboxPage": shape(sandboxes=list_of(ref("Sandbox")), nextCursor=_NEXT),
    "SandboxLog": shape(sandbox=ref("Sandbox"), log=TEXT, lifecycle_events=list_of(ref("Event"))),
    "Error": ERROR,
    **AUTOMATION,
}
