"""What a retry may change against the run it retries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import kind_of
from mogplex.domain.request import RunRequest

RETRY_FIELDS = ("budget", "timeoutSeconds", "model", "harness", "resume")


def read_overrides(overrides: Mapping[str, Any]) -> RunRequest:
    unknown = [name for name in overrides if name not in RETRY_FIELDS]
    if unknown:
        reason = f"can't be changed by a retry; {', '.join(RETRY_FIELDS)} can"
        listed = "; ".join(f"{str(name)[:100]} {reason}" for name in unknown)
        raise BadRequest(f"Invalid request: {listed}", [Detail(str(name)[:100], reason) for name in unknown])
    resume = overrides.get("resume")
    if resume is not None and not isinstance(resume, bool):
        reason = f"must be true or false, not {kind_of(resume)}"
        raise BadRequest(f"Invalid request: resume {reason}", [Detail("resume", reason)])
    of_a_start = {name: value for name, value in overrides.items() if name != "resume"}
    request = RunRequest.of({**of_a_start, "repoId": "of the old run", "prompt": "of the old run"})
    return replace(request, resume=bool(resume))


def retry_digest(run_id: str, request: RunRequest) -> str:
    return hashlib.sha256(json.dumps(["retry", run_id, request.canonical()]).encode()).hexdigest()
