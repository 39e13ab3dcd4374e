"""Whether a structured result is what the caller asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

VALIDATION_SECONDS = 10.0  # a schema's patterns can be made to backtrack for ever
SHOWN_CHARACTERS = 300


async def find_result_fault(
    result: Mapping[str, Any] | None, schema: Mapping[str, Any], *, timeout_seconds: float = VALIDATION_SECONDS
) -> str | None:
    """Why `result` does not match `schema` (a valid JSON Schema); None when it does."""
    if result is None:
        return "The harness gave no structured result, and outputSchema asks for one."
    # In a process of its own: a pattern that backtracks would hold the interpreter's lock, and with it the server.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        question = json.dumps([result, schema]).encode()
        answer, _ = await asyncio.wait_for(process.communicate(question), timeout_seconds)
    except TimeoutError:
        return f"The structured result could not be validated within {timeout_seconds:g} s; simplify outputSchema."
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            process.kill()
        await process.wait()
    if process.returncode != 0:
        return "The structured result could not be validated against outputSchema; see the server's log."
    fault: str | None = json.loads(answer)
    return fault


def _find_fault(result: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    validator = validator_for(schema, default=Draft202012Validator)(schema)
    error = best_match(validator.iter_errors(result))
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path) or "its root"
    return f"The structured result does not match outputSchema: at {where}: {error.message[:SHOWN_CHARACTERS]}"


if __name__ == "__main__":
    json.dump(_find_fault(*json.load(sys.stdin)), sys.stdout)
