"""JSON Schemas of what is answered about models and calls to them."""

from __future__ import annotations

from mogplex.api.shapes import FLAG, NUMBER, TEXT, TIME, WHOLE, Schema, either_null, list_of, ref, shape
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CALL_FAULT_MEANING, CallFault

_PROTOCOL: Schema = {"enum": list(ModelProtocol)}
_PRICE: Schema = {"type": ["number", "null"], "description": "US dollars for a million tokens."}
_FAULT: Schema = {
    "enum": [*CallFault, None],
    "description": "\n".join(f"* `{fault}`: {meaning}" for fault, meaning in CALL_FAULT_MEANING.items()),
}

MODEL = shape(
    id=TEXT,
    provider=TEXT,
    protocols=list_of(_PROTOCOL),
    contextTokens=either_null(WHOLE),
    pricing=either_null(shape(input=_PRICE, output=_PRICE, cacheRead=_PRICE, cacheWrite=_PRICE)),
    default=FLAG,
    available=FLAG,
    reason=either_null(TEXT),
)

MODEL_CALL = shape(
    id=TEXT,
    runId=TEXT,
    seq=WHOLE,
    attempt=WHOLE,
    model=TEXT,
    provider=TEXT,
    protocol=_PROTOCOL,
    usage=shape(
        inputTokens=WHOLE, outputTokens=WHOLE, cacheReadTokens=WHOLE, cacheWriteTokens=WHOLE, reasoningTokens=WHOLE
    ),
    estimated=FLAG,
    costUsd=either_null(NUMBER),
    durationMs=WHOLE,
    ttftMs=either_null(WHOLE),
    status=either_null(WHOLE),
    fault=_FAULT,
    detail=TEXT,
    retries=WHOLE,
    requestId=either_null(TEXT),
    streamed=FLAG,
    createdAt=TIME,
)

MODELS: dict[str, Schema] = {
    "Model": MODEL,
    "ModelList": shape(models=list_of(ref("Model"))),
    "ModelCall": MODEL_CALL,
    "CallList": shape(calls=list_of(ref("ModelCall")), nextAfter=WHOLE, hasMore=FLAG),
}
