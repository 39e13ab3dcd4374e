"""When a cron line ticks, in its own time zone, as Debian's cron would: also when clocks are put forward or back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from mogplex.domain.errors import BadRequest, Detail

MAX_TICKS = 10_000  # of a line that ticks each minute: a week


def require_cron(cron: str, time_zone: str) -> None:
    """Raises BadRequest that names the field."""
    zone = _read_zone(time_zone)
    try:
        if len(cron.split()) != 5:
            raise CronSimError("it has not five fields")
        next(CronSim(cron, datetime.now(zone)))
    except CronSimError as fault:
        reason = f"{cron[:100]!r} is no cron line: {fault}. Five fields, as in '0 12 * * 1' for Mondays at noon"
        raise BadRequest(f"cron: {reason}.", [Detail("cron", reason)]) from fault
    except StopIteration as fault:
        reason = f"{cron[:100]!r} never comes"
        raise BadRequest(f"cron: {reason}.", [Detail("cron", reason)]) from fault


def next_tick(cron: str, time_zone: str, after: float) -> float | None:
    """The first tick after `after`, in seconds since 1970; None when there is none in the next 50 years."""
    return next(_ticks(cron, time_zone, after), None)


def next_ticks(cron: str, time_zone: str, after: float, count: int) -> list[float]:
    return list(islice(_ticks(cron, time_zone, after), count))


def due_ticks(cron: str, time_zone: str, first: float, now: float) -> list[float]:
    """`first`, which has come, and the later ticks up to `now`; at most MAX_TICKS, the newest of them."""
    later = takewhile(lambda tick: tick <= now, _ticks(cron, time_zone, first))
    return [first, *later][-MAX_TICKS:]


def _ticks(cron: str, time_zone: str, after: float) -> Iterator[float]:
    return (tick.timestamp() for tick in CronSim(cron, datetime.fromtimestamp(after, _read_zone(time_zone))))


def _read_zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as fault:  # ZoneInfoNotFoundError is a KeyError; a folder's name an OSError
        reason = f"{name[:60]!r} is no time zone; write it as in Europe/Berlin, or UTC"
        raise BadRequest(f"timeZone: {reason}.", [Detail("timeZone", reason)]) from fault
