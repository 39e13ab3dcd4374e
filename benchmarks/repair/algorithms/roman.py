"""Roman numerals read a pair the wrong way round, and the like."""

VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def to_number(roman):
    total = 0
    for here, following in zip(roman, roman[1:] + "I"):
        if VALUES[here] < VALUES[following]:
            total -= VALUES[here]
        else:
            total += VALUES[here]
    return total


# === tests ===
import pytest


@pytest.mark.parametrize("roman, number", [("III", 3), ("IV", 4), ("XC", 90), ("LX", 60), ("XL", 40), ("D", 500)])
def test_number(roman, number):
    assert to_number(roman) == number


# === bugs ===
# total -= VALUES[here] => total -= VALUES[following]
# "L": 50 => "L": 500
