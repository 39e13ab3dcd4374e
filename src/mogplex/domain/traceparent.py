"""Where a run stands in somebody's trace, as the W3C's Trace Context writes it."""

from __future__ import annotations

import hashlib
import re

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\Z")


def parse_traceparent(text: str | None) -> tuple[int, int] | None:
    """(trace id, span id); None for what is no traceparent, which is to be ignored and not refused."""
    found = _PARENT.match(text or "")
    if found is None or int(found[1], 16) == 0 or int(found[2], 16) == 0:
        return None
    return int(found[1], 16), int(found[2], 16)


def trace_id_of(run_id: str) -> int:
    """Of a run that was started outside of any trace: it follows from the run's id, so that everybody finds it."""
    return int(_digest("trace", run_id)[:32], 16)


def span_id_of(run_id: str) -> int:
    """Of the run's own span, known before the run has ended."""
    return int(_digest("span", run_id)[:16], 16)


def traceparent_within(run_id: str, given: str | None) -> str:
    """What is handed on into the run: the caller's trace or its own, and the run's span."""
    parent = parse_traceparent(given)
    trace_id = parent[0] if parent else trace_id_of(run_id)
    return f"00-{trace_id:032x}-{span_id_of(run_id):016x}-01"


def _digest(kind: str, run_id: str) -> str:
    return hashlib.sha256(f"{kind} {run_id}".encode()).hexdigest()
