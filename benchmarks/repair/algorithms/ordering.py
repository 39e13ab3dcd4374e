"""Sorting and picking: by heap, insertion, buckets, pivots, halves."""

import heapq


def nearly_sorted(items, k):
    """Sorts items of which none is more than k places off."""
    heap = list(items[:k])
    heapq.heapify(heap)
    for item in items[k:]:
        yield heapq.heappushpop(heap, item)
    while heap:
        yield heapq.heappop(heap)


def insertion(items):
    items = list(items)
    for i in range(1, len(items)):
        item, j = items[i], i
        while j > 0 and items[j - 1] > item:
            items[j] = items[j - 1]
            j -= 1
        items[j] = item
    return items


def by_pivot(items):
    if not items:
        return []
    pivot, *rest = items
    left = by_pivot([one for one in rest if one < pivot])
    right = by_pivot([one for one in rest if one >= pivot])
    return left + [pivot] + right


def by_digit(numbers):
    width = len(str(max(numbers, default=0)))
    for place in range(width):
        buckets = [[] for _ in range(10)]
        for number in numbers:
            buckets[number // 10**place % 10].append(number)
        numbers = [number for bucket in buckets for number in bucket]
    return numbers


def place_of(items, wanted):
    """By halving; -1 when it isn't there."""

    def look(low, high):
        if low == high:
            return -1
        middle = low + (high - low) // 2
        if wanted < items[middle]:
            return look(low, middle)
        if wanted > items[middle]:
            return look(middle + 1, high)
        return middle

    return look(0, len(items))


def first_place(items, wanted):
    low, high = 0, len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == wanted and (middle == 0 or items[middle - 1] != wanted):
            return middle
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def majority(items):
    """The item that is more than half of all, or None."""
    candidate, count = None, 0
    for item in items:
        if count == 0:
            candidate = item
        count += 1 if item == candidate else -1
    return candidate if items.count(candidate) * 2 > len(items) else None


# === tests ===
import pytest

LISTS = [[], [1], [2, 1], [3, 1, 2, 3, 1], [5, 4, 3, 2, 1], [10, 2, 33, 4]]


@pytest.mark.parametrize("items", LISTS)
def test_sorts(items):
    assert insertion(items) == by_pivot(items) == sorted(items)


@pytest.mark.parametrize("items", LISTS)
def test_digits(items):
    assert by_digit(items) == sorted(items)


@pytest.mark.parametrize("items, k", [([1, 2, 3], 0), ([3, 2, 1, 5, 4], 2), ([5, 4, 3, 2, 1], 4)])
def test_nearly(items, k):
    assert list(nearly_sorted(items, k)) == sorted(items)


@pytest.mark.parametrize("wanted, place", [(3, 0), (5, 2), (8, 4), (9, -1), (1, -1), (6, -1)])
def test_place(wanted, place):
    assert place_of([3, 4, 5, 7, 8], wanted) == place


@pytest.mark.parametrize("wanted, place", [(1, 0), (2, 1), (3, 4), (7, -1), (0, -1)])
def test_first(wanted, place):
    assert first_place([1, 2, 2, 2, 3, 3], wanted) == place


def test_majority():
    assert majority([1, 2, 1]) == 1 and majority([1, 2]) is None and majority([2, 1, 1, 2, 2]) == 2


# === bugs ===
# for item in items[k:] => for item in items
# items[j - 1] > item: => items[j - 1] > items[j]:
# if one >= pivot => if one > pivot
# number // 10**place % 10 => number // 10**place
# look(middle + 1, high) => look(middle, high)
# while low <= high => while low < high
# (middle == 0 or items => (middle and items
# if count == 0: => if count < 0:
