"""JSON Schemas of what is answered, for the OpenAPI document. Tests hold them to the objects really sent."""

from __future__ import annotations

from mogplex.api.shapes import (
    ANYTHING,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    URL,
    WHOLE,
    Schema,
    either_null,
    list_of,
    ref,
    shape,
)
from mogplex.domain.access import Scope
from mogplex.domain.check import CheckTarget
from mogplex.domain.errors import ErrorCode
from mogplex.domain.event import EventType
from mogplex.domain.run import OUTCOME_MEANING, Delivery, Outcome, Status, Verdict
from mogplex.domain.sandbox import SandboxStatus
from mogplex.domain.schedule import AlarmKind, Overlap, TickResult
from mogplex.domain.secret import Phase

_OUTCOMES: Schema = {
    "enum": list(Outcome),
    "description": "\n".join(f"* `{outcome}`: {meaning}" for outcome, meaning in OUTCOME_MEANING.items()),
}
_VERDICT: Schema = {"enum": list(Verdict)}

_USAGE = shape(
    inputTokens=WHOLE,
    outputTokens=WHOLE,
    cacheReadTokens=WHOLE,
    cacheWriteTokens=WHOLE,
    reasoningTokens=WHOLE,
    modelCalls=WHOLE,
    toolCalls=WHOLE,
    toolErrors=WHOLE,
)
_LIMITS = {
    "usd": either_null(NUMBER),
    "tokens": either_null(WHOLE),
    "modelCalls": either_null(WHOLE),
    "toolCalls": either_null(WHOLE),
}
_TIMING = shape(
    queuedMs=either_null(WHOLE),
    preparingMs=either_null(WHOLE),
    runningMs=either_null(WHOLE),
    checkingMs=either_null(WHOLE),
    totalMs=either_null(WHOLE),
    startedAt=either_null(TIME),
    finishedAt=either_null(TIME),
)
_CHANGES = shape(
    files=WHOLE,
    insertions=WHOLE,
    deletions=WHOLE,
    commit=TEXT,
    paths=list_of(TEXT),
    patchUrl=URL,
    pullRequestUrl=either_null(URL),
)

RUN = shape(
    runId=TEXT,
    aiCallId=TEXT,
    status={"enum": list(Status)},
    outcome=either_null(_OUTCOMES),
    verdict=either_null(_VERDICT),
    error=either_null(TEXT),
    failure=either_null(shape(category=TEXT, retryable=FLAG, remedy=TEXT)),
    title=TEXT,
    prompt=TEXT,
    promptCharacters=WHOLE,
    repoId=TEXT,
    repo=shape(id=TEXT, fullName=TEXT),
    harness=TEXT,
    model=either_null(TEXT),
    mode=either_null(TEXT),
    branch=shape(base=TEXT, working=TEXT, createBranch=FLAG),
    commit=either_null(TEXT),
    baseCommit=either_null(TEXT),
    rootDirectory=either_null(TEXT),
    delivery={"enum": list(Delivery)},
    checks=list_of(TEXT),
    labels={"type": "object", "additionalProperties": TEXT},
    priority=WHOLE,
    conversationId=either_null(TEXT),
    workspaceSessionId=either_null(TEXT),
    attempt=WHOLE,
    retryOf=either_null(TEXT),
    retriedBy=either_null(TEXT),
    apiKeyId=TEXT,
    sandboxRecordId=either_null(TEXT),
    sandboxId=either_null(TEXT),
    runtime=shape(provider=TEXT, runId=TEXT),
    createdAt=TIME,
    updatedAt=TIME,
    cancelRequestedAt=either_null(TIME),
    cancelRequestedBy=either_null(TEXT),
    baseline=either_null(_VERDICT),
    testsTouched=list_of(TEXT),
    usage=_USAGE,
    costUsd=either_null(NUMBER),
    costKnown=FLAG,
    budget=shape(**_LIMITS, left=shape(**_LIMITS)),
    timeoutSeconds=NUMBER,
    timing=_TIMING,
    changes=either_null(_CHANGES),
    result=either_null(ANYTHING),
    queue=either_null(shape(position=WHOLE, ahead=WHOLE)),
    lastSeq=WHOLE,
    eventsUrl=URL,
    streamUrl=URL,
    cancelUrl=URL,
    retryUrl=URL,
    patchUrl=URL,
)

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

REPO = shape(
    id=TEXT,
    full_name=TEXT,
    installation_id=either_null(TEXT),
    default_branch=TEXT,
    root_directory=either_null(TEXT),
    clone_url=TEXT,
    setup=list_of(TEXT),
    checks=list_of(TEXT),
    env_names=list_of(TEXT),
    secrets=list_of(ref("Secret")),
    allow_hosts=list_of(TEXT),
    push_branches=list_of(TEXT),
    harness=either_null(TEXT),
    budget=ANYTHING,
    timeout_seconds=either_null(NUMBER),
    created_at=TIME,
    updated_at=TIME,
)

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
    verdict=_VERDICT,
    exitCode=either_null(WHOLE),
    output=TEXT,
    durationMs=WHOLE,
    tests=shape(passed=either_null(WHOLE), failed=either_null(WHOLE)),
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

SCHEDULE = shape(
    id=TEXT,
    name=TEXT,
    repoId=TEXT,
    cron=TEXT,
    timeZone=TEXT,
    overlap={"enum": list(Overlap)},
    catchUp=FLAG,
    alarmAfter=WHOLE,
    run=ANYTHING,
    owner=TEXT,
    paused=FLAG,
    pausedAt=either_null(TIME),
    nextTickAt=either_null(TIME),
    nextTicks=list_of(TIME),
    lastTickAt=either_null(TIME),
    lastRunId=either_null(TEXT),
    failuresInRow=WHOLE,
    unchangedInRow=WHOLE,
    missedTicks=WHOLE,
    alarm=either_null(shape(kind={"enum": list(AlarmKind)}, message=TEXT, since=TIME)),
    createdAt=TIME,
    updatedAt=TIME,
)

TICK = shape(
    dueAt=TIME,
    at=TIME,
    result={"enum": list(TickResult)},
    runId=either_null(TEXT),
    note=TEXT,
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
    "Run": RUN,
    "StartedRun": {"allOf": [ref("Run"), shape(replayed=FLAG)]},
    "RunAnswer": shape(run=ref("Run")),
    "RunPage": shape(runs=list_of(ref("Run")), nextCursor=_NEXT),
    "CancelAnswer": shape(run=ref("Run"), status={"enum": list(Status)}, alreadyTerminal=FLAG),
    "Check": CHECK,
    "CheckList": shape(checks=list_of(ref("Check"))),
    "Event": EVENT,
    "EventPage": shape(run=ref("Run"), events=list_of(ref("Event")), nextAfter=WHOLE, hasMore=FLAG),
    "Repo": REPO,
    "Secret": shape(name=TEXT, phases=list_of({"enum": list(Phase)}), created_at=TIME, updated_at=TIME),
    "SetSecret": shape(secret=ref("Secret"), created=FLAG),
    "RemovedSecret": shape(name=TEXT, removed=FLAG),
    "RepoAnswer": shape(repo=ref("Repo")),
    "AddedRepo": shape(repo=ref("Repo"), created=FLAG),
    "RemovedRepo": shape(id=TEXT, removed=FLAG),
    "RepoPage": shape(repos=list_of(ref("Repo")), nextCursor=_NEXT),
    "Key": KEY,
    "KeyAnswer": shape(key=ref("Key")),
    "KeyList": shape(keys=list_of(ref("Key"))),
    "CreatedKey": shape(key={"allOf": [ref("Key"), shape(secret=TEXT)]}),
    "Me": {"allOf": [ref("Key"), shape(limits=shape(requests=_WINDOWS, starts=_WINDOWS))]},
    "Harness": HARNESS,
    "HarnessList": shape(harnesses=list_of(ref("Harness"))),
    "ModelList": shape(models=list_of(ANYTHING)),
    "Sandbox": SANDBOX,
    "SandboxAnswer": shape(sandbox=ref("Sandbox")),
    "SandboxPage": shape(sandboxes=list_of(ref("Sandbox")), nextCursor=_NEXT),
    "SandboxLog": shape(sandbox=ref("Sandbox"), log=TEXT, lifecycle_events=list_of(ref("Event"))),
    "Schedule": SCHEDULE,
    "ScheduleAnswer": shape(schedule=ref("Schedule")),
    "SchedulePage": shape(schedules=list_of(ref("Schedule")), nextCursor=_NEXT),
    "RemovedSchedule": shape(id=TEXT, removed=FLAG),
    "TickList": shape(ticks=list_of(TICK)),
    "Error": ERROR,
}
