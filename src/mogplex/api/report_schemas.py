"""JSON Schemas of statistics, pressure and tool calls."""

from __future__ import annotations

from mogplex.api.shapes import ANYTHING, FLAG, NUMBER, TEXT, TIME, WHOLE, Schema, either_null, list_of, ref, shape
from mogplex.domain.audit import Action

_SUMS: dict[str, Schema] = {
    "runs": WHOLE,
    "success": WHOLE,
    "failed": WHOLE,
    "cancelled": WHOLE,
    "successRate": either_null(NUMBER),
    "modelCalls": WHOLE,
    "tokens": WHOLE,
    "costUsd": NUMBER,
    "costUnknownRuns": WHOLE,
}
_GROUP = shape(name=either_null(TEXT), **_SUMS)
_LIMIT = shape(limit=WHOLE, left=WHOLE)
_PERCENTILES = shape(count=WHOLE, p50=either_null(WHOLE), p95=either_null(WHOLE))
_TOOL_SUMS: dict[str, Schema] = {"calls": WHOLE, "errors": WHOLE, "errorRate": either_null(NUMBER)}
_LIMITS: Schema = {"type": "object", "additionalProperties": _LIMIT}

STATS = shape(
    window=shape(**{"from": TIME, "to": TIME, "bucketSeconds": WHOLE}),
    runs=shape(
        total=WHOLE,
        pending=WHOLE,
        running=WHOLE,
        stalePending=WHOLE,
        success=WHOLE,
        failed=WHOLE,
        cancelled=WHOLE,
        interrupted=WHOLE,
        recovered=WHOLE,
        successRate=either_null(NUMBER),
    ),
    by=shape(
        harness=list_of(_GROUP),
        model=list_of(_GROUP),
        repo=list_of(shape(name=TEXT, repoId=TEXT, **_SUMS)),
        outcome=list_of(_GROUP),
    ),
    starts=shape(accepted=WHOLE, deferred=WHOLE, suppressed=WHOLE, refused=WHOLE),
    oldestPendingSeconds=either_null(NUMBER),
    models=shape(
        calls=WHOLE,
        tokens=shape(input=WHOLE, output=WHOLE, cacheRead=WHOLE, cacheWrite=WHOLE),
        costUsd=NUMBER,
        costUnknownRuns=WHOLE,
        averageDurationMs=either_null(WHOLE),
        averageTtftMs=either_null(WHOLE),
    ),
    tools=shape(**_TOOL_SUMS, byTool=list_of(shape(name=TEXT, **_TOOL_SUMS))),
    sandboxes=shape(seconds=NUMBER, active=WHOLE),
    durationsMs=shape(
        queued=_PERCENTILES,
        preparing=_PERCENTILES,
        running=_PERCENTILES,
        checking=_PERCENTILES,
        total=_PERCENTILES,
    ),
    series=list_of(shape(start=TIME, **_SUMS)),
)

PRESSURE = shape(
    slots=shape(total=WHOLE, busy=WHOLE, free=WHOLE),
    workers=list_of(
        shape(
            id=TEXT,
            host=TEXT,
            version=TEXT,
            harnesses=list_of(TEXT),
            labels=list_of(TEXT),
            weaknesses=list_of(TEXT),
            draining=FLAG,
            slots=WHOLE,
            busy=WHOLE,
            free=WHOLE,
            startedAt=TIME,
            lastSeenAt=TIME,
        )
    ),
    queue=shape(
        depth=WHOLE,
        oldestWaitSeconds=either_null(NUMBER),
        estimatedWaitSeconds=either_null(NUMBER),
        byRepo=list_of(shape(repoId=TEXT, fullName=TEXT, depth=WHOLE, oldestWaitSeconds=NUMBER)),
        byPriority=list_of(shape(priority=WHOLE, depth=WHOLE)),
        byNeeds=list_of(shape(needs=list_of(TEXT), depth=WHOLE, slots=WHOLE, free=WHOLE)),
    ),
    limits=shape(
        requests=_LIMITS,
        starts=_LIMITS,
        concurrency=shape(repo=either_null(WHOLE), key=either_null(WHOLE)),
        queue=_LIMIT,
    ),
)

TOOL = shape(
    seq=WHOLE,
    attempt=WHOLE,
    callId=either_null(TEXT),
    toolName=either_null(TEXT),
    arguments={},
    startedAt=TIME,
    finishedAt=either_null(TIME),
    resultSeq=either_null(WHOLE),
    ok=either_null(FLAG),
    exitCode=either_null(WHOLE),
    summary=either_null(TEXT),
    durationMs=either_null(NUMBER),
)

AUDIT_ENTRY = shape(
    id=WHOLE,
    at=TIME,
    action={"enum": list(Action)},
    target=TEXT,
    keyId=either_null(TEXT),
    keyName=either_null(TEXT),
    owner=either_null(TEXT),
    repoId=either_null(TEXT),
    address=either_null(TEXT),
    requestId=either_null(TEXT),
    count=WHOLE,
    detail=ANYTHING,
)

REPORTS: dict[str, Schema] = {
    "AuditEntry": AUDIT_ENTRY,
    "AuditPage": shape(entries=list_of(ref("AuditEntry")), nextCursor=either_null(TEXT)),
    "Stats": STATS,
    "Pressure": PRESSURE,
    "CallPage": shape(calls=list_of({"$ref": "#/components/schemas/ModelCall"}), nextCursor=either_null(TEXT)),
    "Tool": TOOL,
    "ToolPage": shape(tools=list_of({"$ref": "#/components/schemas/Tool"}), nextAfter=WHOLE, hasMore=FLAG),
}
