"""Answers built up in tables: common parts of texts, changes of a text, rods, grids."""


def common_length(one, other):
    """The length of the longest common subsequence."""
    table = {}
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if i == 0 or j == 0:
                table[i, j] = 0
            elif one[i - 1] == other[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = max(table[i - 1, j], table[i, j - 1])
    return table[len(one), len(other)]


def common_part(one, other):
    """The longest text that is in both."""
    lengths = [0] * (len(other) + 1)
    best, end = 0, 0
    for i, letter in enumerate(one, 1):
        for j in range(len(other), 0, -1):
            lengths[j] = lengths[j - 1] + 1 if other[j - 1] == letter else 0
            if lengths[j] > best:
                best, end = lengths[j], i
    return one[end - best : end]


def changes(one, other):
    """How many letters have to be put in, taken out or exchanged."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return changes(one[1:], other[1:])
    return 1 + min(changes(one[1:], other), changes(one, other[1:]), changes(one[1:], other[1:]))


def longest_rise(items):
    """The length of the longest increasing subsequence."""
    best = [1] * len(items)
    for i in range(len(items)):
        for j in range(i):
            if items[j] < items[i]:
                best[i] = max(best[i], best[j] + 1)
    return max(best, default=0)


def cut(prices, length):
    """What a rod is worth when it is cut in the best way; `prices[n]` is for a piece of length n."""
    worth = [0] * (length + 1)
    for here in range(1, length + 1):
        for piece in range(1, min(here, len(prices) - 1) + 1):
            worth[here] = max(worth[here], prices[piece] + worth[here - piece])
    return worth[length]


def ways_down(height, width):
    """Ways through a grid, right and down only."""
    row = [1] * width
    for _ in range(height - 1):
        for place in range(1, width):
            row[place] += row[place - 1]
    return row[-1]


# === tests ===
import pytest


@pytest.mark.parametrize(
    "one, other, length", [("meteor", "metro", 4), ("abc", "", 0), ("aab", "aab", 3), ("aa", "a", 1)]
)
def test_common(one, other, length):
    assert common_length(one, other) == length


def test_part():
    assert common_part("submarine", "marinade") == "marin" and common_part("abc", "xyz") == ""


def test_part_twice():
    assert common_part("aa", "aaa") == "aa"


@pytest.mark.parametrize(
    "one, other, count", [("tree", "three", 1), ("", "ab", 2), ("kind", "find", 1), ("abc", "ca", 3)]
)
def test_changes(one, other, count):
    assert changes(one, other) == count


@pytest.mark.parametrize(
    "items, length", [([], 0), ([3, 1, 2, 2, 5], 3), ([9, 8], 1), ([1, 9, 2, 3, 4], 4), ([2, 3, 1, 4], 3)]
)
def test_rise(items, length):
    assert longest_rise(items) == length


def test_cut():
    assert cut([0, 1, 5, 8, 9], 4) == 10 and cut([0, 1, 5, 8, 9], 8) == 21


def test_ways():
    assert ways_down(3, 3) == 6 and ways_down(1, 4) == 1


# === bugs ===
# table[i - 1, j - 1] + 1 => table[i - 1, j] + 1
# range(len(other), 0, -1) => range(1, len(other) + 1)
# return len(one) + len(other) => return len(one)
# return changes(one[1:], other[1:])\n => return 1 + changes(one[1:], other[1:])\n
# max(best[i], best[j] + 1) => best[j] + 1
# prices[piece] + worth[here - piece] => prices[piece] + worth[here]
# for _ in range(height - 1) => for _ in range(height)
