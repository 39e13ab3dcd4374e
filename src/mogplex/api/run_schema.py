"""The JSON Schema of the run object."""

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
    shape,
)
from mogplex.domain.contest import ContestMode
from mogplex.domain.run import OUTCOME_MEANING, CheckPolicy, Delivery, Outcome, Status, Verdict
from mogplex.domain.seating import WaitReason

_OUTCOMES: Schema = {
    "enum": list(Outcome),
    "description": "\n".join(f"* `{outcome}`: {meaning}" for outcome, meaning in OUTCOME_MEANING.items()),
}
VERDICT: Schema = {"enum": list(Verdict)}

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
    commit=either_null(TEXT),
    paths=list_of(TEXT),
    patchUrl=either_null(URL),
    pullRequestUrl=either_null(URL),
)

RUN = shape(
    runId=TEXT,
    aiCallId=TEXT,
    status={"enum": list(Status)},
    outcome=either_null(_OUTCOMES),
    verdict=either_null(VERDICT),
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
    deliverPartial=FLAG,
    notify=either_null(TEXT),
    partial=FLAG,
    checks=list_of(TEXT),
    checkPolicy={"enum": list(CheckPolicy)},
    protectTests=either_null(FLAG),
    labels={"type": "object", "additionalProperties": TEXT},
    priority=WHOLE,
    needs=list_of(TEXT),
    conversationId=either_null(TEXT),
    workspaceSessionId=either_null(TEXT),
    contest=either_null(
        shape(
            mode={"enum": list(ContestMode)},
            harnesses=list_of(TEXT),
            contenders=list_of(TEXT),
            winner=either_null(TEXT),
        )
    ),
    contenderOf=either_null(TEXT),
    contender=either_null(WHOLE),
    attempt=WHOLE,
    retryOf=either_null(TEXT),
    retriedBy=either_null(TEXT),
    resume=FLAG,
    session=either_null(TEXT),
    supersededBy=either_null(TEXT),
    record=FLAG,
    replayOf=either_null(TEXT),
    apiKeyId=TEXT,
    sandboxRecordId=either_null(TEXT),
    sandboxId=either_null(TEXT),
    runtime=shape(provider=TEXT, runId=TEXT),
    createdAt=TIME,
    updatedAt=TIME,
    cancelRequestedAt=either_null(TIME),
    cancelRequestedBy=either_null(TEXT),
    baseline=either_null(VERDICT),
    testsTouched=list_of(TEXT),
    usage=_USAGE,
    costUsd=either_null(NUMBER),
    costKnown=FLAG,
    budget=shape(**_LIMITS, left=shape(**_LIMITS)),
    timeoutSeconds=NUMBER,
    timing=_TIMING,
    changes=either_null(_CHANGES),
    result=either_null(ANYTHING),
    queue=either_null(
        shape(
            position=WHOLE,
            ahead=WHOLE,
            reason={"enum": list(WaitReason)},
            detail=TEXT,
            estimatedWaitSeconds=either_null(NUMBER),
        )
    ),
    lastSeq=WHOLE,
    eventsUrl=URL,
    streamUrl=URL,
    cancelUrl=URL,
    retryUrl=URL,
    patchUrl=URL,
)
