"""Whether a structured result is what the caller asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

VALIDATION_SECONDS = 10.0  # a schema's patterns can be made to backtrack for ever
SHOWN_CHARACTERS = 300


async def find_result_fault(result: Mapping[str, Any] | None, schema: Mapping[str, Any]) -> str | None:
    """Why `result` does not match `schema` (a valid JSON Schema); None when it does."""
    if result is None:
        return "The harness gave no structured result, and outputSchema asks for one."
    try:
        return await asyncio.wait_for(asyncio.to_thread(_find_fault, result, schema), VALIDATION_SECONDS)
    except TimeoutError:
        return f"The structured result could not be validated within {VALIDATION_SECONDS:g} s; simplify outputSchema."


def _find_fault(result: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    validator = validator_for(schema, default=Draft202012Validator)(schema)
    error = best_match(validator.iter_errors(result))
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path) or "its root"
    return f"The structured result does not match outputSchema: at {where}: {error.message[:SHOWN_CHARACTERS]}"
