"""Sorting by a pivot."""


def quicksort(items):
    if len(items) < 2:
        return list(items)
    pivot = items[len(items) // 2]
    smaller = [one for one in items if one < pivot]
    equal = [one for one in items if one == pivot]
    larger = [one for one in items if one > pivot]
    return quicksort(smaller) + equal + quicksort(larger)


def kth_smallest(items, k):
    pivot = items[0]
    below = [one for one in items if one < pivot]
    above = [one for one in items if one > pivot]
    same = len(items) - len(below) - len(above)
    if k < len(below):
        return kth_smallest(below, k)
    if k < len(below) + same:
        return pivot
    return kth_smallest(above, k - len(below) - same)


# === tests ===
def test_empty():
    assert quicksort([]) == []


def test_repeats():
    assert quicksort([3, 1, 3, 2, 1]) == [1, 1, 2, 3, 3]


def test_two():
    assert quicksort([2, 1]) == [1, 2]


def test_kth():
    assert [kth_smallest([7, 2, 9, 2], k) for k in range(4)] == [2, 2, 7, 9]


def test_kth_sorted():
    assert kth_smallest([1, 2, 3, 4, 5], 4) == 5


# === bugs ===
# if one == pivot => if one is items[0]
# kth_smallest(above, k - len(below) - same) => kth_smallest(above, k - len(below))
# + equal + => + [pivot] +
