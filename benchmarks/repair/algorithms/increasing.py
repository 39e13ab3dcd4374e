"""Subsequences."""


def longest_increasing(items):
    """The length of the longest strictly increasing subsequence."""
    ends = []
    for item in items:
        place = 0
        while place < len(ends) and ends[place] < item:
            place += 1
        if place == len(ends):
            ends.append(item)
        else:
            ends[place] = item
    return len(ends)


def common(one, other):
    """A longest common subsequence."""
    if not one or not other:
        return ""
    if one[0] == other[0]:
        return one[0] + common(one[1:], other[1:])
    return max(common(one[1:], other), common(one, other[1:]), key=len)


# === tests ===
def test_empty():
    assert longest_increasing([]) == 0


def test_mixed():
    assert longest_increasing([4, 1, 5, 3, 3, 7]) == 3


def test_falling():
    assert longest_increasing([3, 2, 1]) == 1


def test_equal():
    assert longest_increasing([2, 2, 2]) == 1


def test_late():
    assert longest_increasing([1, 5, 9, 2, 3, 4]) == 4


def test_once():
    assert common("a", "aa") == "a"


def test_common():
    assert common("headache", "pedagogy") == "eda"


def test_none():
    assert common("abc", "xyz") == ""


# === bugs ===
# ends[place] < item => ends[place] <= item
# ends[place] = item => ends[-1] = item
# common(one[1:], other[1:]) => common(one, other[1:])
