"""When a search has looked long enough."""

from __future__ import annotations

import time

from .trial import Findings

ENOUGH_PLAUSIBLE = 60
# How long to look for a better patch: the time the first one took, within these parts of all.
GRACE_SHARES = (0.05, 0.2)
GRACE_TRIES = (3, 800)  # and no longer than so many times the tries that the first one took, and so many more
LEAST_TRIES = 150  # after the first, within the longer time: where each takes long, too few would be looked at
MENDING_SHARE = 0.6  # of the time for single edits, when one of them mends some of the failing tests
PARTIAL_SHARE = 0.3  # how long to look for a patch that mends all when there is one that mends all tests of a file


class Patience:
    """Of one search. Times are monotonic seconds."""

    def __init__(self, limit: int, *, is_inner: bool = False) -> None:
        """`limit`: candidates to try at most. `is_inner`: on top of another edit; partial patches end nothing then."""
        self._limit = limit
        self._is_inner = is_inner
        self._started = time.monotonic()
        self._first_found: float | None = None
        self._tries_for_first = 0
        self._first_partial: float | None = None

    def reason_to_stop(self, found: Findings, until: float, deadline: float) -> str:
        """Why: time, candidates, enough, or grace; "" to go on. `until` counts only with steps to build on, and comes
        sooner when one of them mends some of the tests."""
        now = time.monotonic()
        found.seconds = now - self._started
        if found.plausible and self._first_found is None:
            self._first_found, self._tries_for_first = now, found.tried
        if (found.partial or found.dodging) and self._first_partial is None and not self._is_inner:
            self._first_partial = now
        if until < deadline and any(one.mends for one in found.steps):
            until = self._started + (until - self._started) * MENDING_SHARE
        if now > deadline or (now > until and found.steps and not found.plausible):
            return "time"
        if found.tried >= self._limit:
            return "candidates"
        if len(found.plausible) >= ENOUGH_PLAUSIBLE:
            return "enough"
        whole = deadline - self._started
        if self._first_found is not None:
            low, high = (whole * share for share in GRACE_SHARES)
            is_tried_out = found.tried > GRACE_TRIES[0] * self._tries_for_first + GRACE_TRIES[1]
            is_seen = found.tried >= self._tries_for_first + LEAST_TRIES
            enough_seconds = min(max(self._first_found - self._started, low), high) if is_seen else high
            if is_tried_out or now - self._first_found > enough_seconds:
                return "grace"
        elif self._first_partial is not None and now - self._first_partial > whole * PARTIAL_SHARE:
            return "grace"
        return ""
