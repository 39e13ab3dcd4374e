"""What statistics look like to callers. docs/observability.md defines every number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST_WINDOW_SECONDS = 400 * 86400
STALE_PENDING_SECONDS = 120
_BUCKETS = (
    (6 * 3600, 300),
    (48 * 3600, 3600),
    (8 * 86400, 6 * 3600),
)  # windows up to the first have buckets of the second
_DAY = 86400


def bucket_seconds_of(window_seconds: float) -> int:
    """The width of a chart's bucket: never more than 400 of them."""
    return next((bucket for longest, bucket in _BUCKETS if window_seconds <= longest), _DAY)


def success_rate(success: float, failed: float) -> float | None:
    """The share of successes among runs that concluded as success or failed; None of none."""
    concluded = success + failed
    return round(success / concluded, 4) if concluded else None


def sums_object(sums: Mapping[str, Any]) -> dict[str, Any]:
    """The sums that totals, groups and buckets all have."""
    return {
        "runs": int(sums["runs"]),
        "success": int(sums["success"] or 0),
        "failed": int(sums["failed"] or 0),
        "cancelled": int(sums["cancelled"] or 0),
        "successRate": success_rate(sums["success"] or 0, sums["failed"] or 0),
        "modelCalls": int(sums["model_calls"] or 0),
        "tokens": tokens_of(sums),
        "costUsd": round(float(sums["cost_usd"] or 0), 6),
        "costUnknownRuns": int(sums["cost_unknown"] or 0),
    }


def tokens_of(sums: Mapping[str, Any]) -> int:
    classes = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return int(sum(sums[name] or 0 for name in classes))


def empty_sums() -> dict[str, float]:
    names = ("runs", "success", "failed", "cancelled", "model_calls", "cost_usd", "cost_unknown")
    tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return dict.fromkeys((*names, *tokens), 0)
