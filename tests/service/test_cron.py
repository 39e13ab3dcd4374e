"""Ticks of cron lines: in their own zone, also when its clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mogplex.domain.errors import BadRequest
from mogplex.service.cron import MAX_TICKS, due_ticks, next_tick, next_ticks, require_cron


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def told(ticks: list[float]) -> list[str]:
    return [datetime.fromtimestamp(tick, UTC).strftime("%m-%d %H:%M") for tick in ticks]


def test_a_line_means_the_clock_of_its_zone_in_summer_and_in_winter() -> None:
    monday = next_ticks("0 12 * * 1", "Europe/Berlin", at("2026-10-15T00:00"), 3)
    assert told(monday) == ["10-19 10:00", "10-26 11:00", "11-02 11:00"]  # clocks went back on 10-25


def test_a_time_that_is_skipped_in_spring_comes_at_once_and_one_that_comes_twice_in_autumn_comes_once() -> None:
    spring = next_ticks("30 2 * * *", "Europe/Berlin", at("2026-03-28T00:00"), 3)
    assert told(spring) == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]
    autumn = next_ticks("30 2 * * *", "Europe/Berlin", at("2026-10-24T12:00"), 2)
    assert told(autumn) == ["10-25 00:30", "10-26 01:30"]


def test_due_ticks_are_all_up_to_now_and_bounded() -> None:
    first = at("2026-01-01T00:00")
    assert told(due_ticks("0 * * * *", "UTC", first, first + 2 * 3600)) == ["01-01 00:00", "01-01 01:00", "01-01 02:00"]
    assert due_ticks("0 * * * *", "UTC", first, first) == [first]
    many = due_ticks("* * * * *", "UTC", first, first + 30 * 86400)
    assert len(many) == MAX_TICKS
    assert many[-1] == first + 30 * 86400


@pytest.mark.parametrize(
    ("cron", "zone", "field"),
    [
        ("", "UTC", "cron"),
        ("* * * *", "UTC", "cron"),
        ("* * * * * *", "UTC", "cron"),  # with seconds
        ("61 * * * *", "UTC", "cron"),
        ("0 0 30 2 *", "UTC", "cron"),  # 30 February
        ("@daily", "UTC", "cron"),
        ("* * * * *", "Europe/Atlantis", "timeZone"),
        ("* * * * *", "../../etc/passwd", "timeZone"),
        ("* * * * *", "Europe", "timeZone"),  # a folder
        ("* * * * *", "", "timeZone"),
    ],
)
def test_what_is_no_cron_line_or_no_zone_is_refused_by_its_name(cron: str, zone: str, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        require_cron(cron, zone)
    assert [each.field for each in caught.value.details] == [field]


def test_a_line_that_comes_next_year_is_found() -> None:
    assert next_tick("0 0 29 2 *", "UTC", at("2026-01-01T00:00")) == at("2028-02-29T00:00")
