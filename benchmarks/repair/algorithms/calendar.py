"""Dates and spans."""

LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day_of_year(year, month, day):
    number = sum(LENGTHS[: month - 1]) + day
    if month > 2 and is_leap(year):
        number += 1
    return number


def duration(seconds):
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def overlap(one, other):
    start = max(one[0], other[0])
    end = min(one[1], other[1])
    return max(0, end - start)


# === tests ===
def test_leap():
    assert [is_leap(year) for year in (2000, 1900, 2024, 2023)] == [True, False, True, False]


def test_day():
    assert day_of_year(2023, 3, 1) == 60 and day_of_year(2024, 3, 1) == 61


def test_february():
    assert day_of_year(2024, 2, 29) == 60


def test_duration():
    assert duration(3661) == "1:01:01" and duration(59) == "0:00:59"


def test_overlap():
    assert overlap((1, 5), (3, 9)) == 2 and overlap((1, 2), (3, 4)) == 0


# === bugs ===
# or year % 400 == 0 => and year % 400 == 0
# month > 2 and => month >= 2 and
# LENGTHS[: month - 1] => LENGTHS[:month]
# divmod(rest, 60) => divmod(seconds, 60)
# start = max( => start = min(
# max(0, end - start) => end - start
