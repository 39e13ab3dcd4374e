"""A date range leaves out its last day, and the like."""

from datetime import date, timedelta


def days(start, end, step=1):
    found = []
    while start <= end:
        found.append(start)
        start += timedelta(days=step)
    return found


def weekdays(start, end):
    return [day for day in days(start, end) if day.weekday() < 5]


# === tests ===
from datetime import date


def test_days():
    assert len(days(date(2024, 1, 1), date(2024, 1, 3))) == 3


def test_week():
    assert len(weekdays(date(2024, 1, 1), date(2024, 1, 7))) == 5


def test_saturday():
    assert weekdays(date(2024, 1, 6), date(2024, 1, 6)) == []


# === bugs ===
# day.weekday() < 5 => day.weekday() < 6
# start <= end => start < end && day.weekday() < 5 => day.weekday() < 6
