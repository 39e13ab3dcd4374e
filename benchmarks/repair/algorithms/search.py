"""Searching in lists."""


def first_at_least(items, wanted):
    """The place of the first item that is not smaller, or len(items)."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def count(items, wanted):
    return first_at_least(items, wanted + 1) - first_at_least(items, wanted)


def two_sum(items, target):
    seen = {}
    for place, item in enumerate(items):
        if target - item in seen:
            return seen[target - item], place
        seen[item] = place
    return None


def largest_run(items):
    """The largest sum of a run of neighbours; 0 for none."""
    best = current = 0
    for item in items:
        current = max(0, current + item)
        best = max(best, current)
    return best


# === tests ===
def test_first():
    assert [first_at_least([1, 3, 3, 5], one) for one in (0, 3, 4, 9)] == [0, 1, 3, 4]


def test_count():
    assert count([1, 2, 2, 2, 3], 2) == 3 and count([1], 7) == 0


def test_sum():
    assert two_sum([2, 7, 11, 15], 9) == (0, 1)


def test_same():
    assert two_sum([3, 3], 6) == (0, 1)


def test_no_sum():
    assert two_sum([1, 2], 9) is None


def test_run():
    assert largest_run([4, -5, 2, 1, -1, 3]) == 5


def test_negative():
    assert largest_run([-2, -1]) == 0


# === bugs ===
# low = middle + 1 => low = middle
# high = middle\n    return => high = middle - 1\n    return
# max(0, current + item) => current + item
#         seen[item] = place\n    return => \n    return
# target - item in seen => item in seen
