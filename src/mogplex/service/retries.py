"""What a retry may change against the run it retries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.request import RunRequest

RETRY_FIELDS = ("budget", "timeoutSeconds", "model", "harness")


def read_overrides(overrides: Mapping[str, Any]) -> RunRequest:
    unknown = [name for name in overrides if name not in RETRY_FIELDS]
    if unknown:
        reason = f"can't be changed by a retry; {', '.join(RETRY_FIELDS)} can"
        listed = "; ".join(f"{str(name)[:100]} {reason}" for name in unknown)
        raise BadRequest(f"Invalid request: {listed}", [Detail(str(name)[:100], reason) for name in unknown])
    return RunRequest.of({**overrides, "repoId": "of the old run", "prompt": "of the old run"})


def retry_digest(run_id: str, request: RunRequest) -> str:
    return hashlib.sha256(json.dumps(["retry", run_id, request.canonical()]).encode()).hexdigest()
