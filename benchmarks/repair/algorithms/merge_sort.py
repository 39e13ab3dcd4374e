"""Merging and counting sorts."""


def merge(left, right):
    merged = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    merged.extend(left[i:])
    merged.extend(right[j:])
    return merged


def merge_sort(items):
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    return merge(merge_sort(items[:middle]), merge_sort(items[middle:]))


def bucket_sort(items, limit):
    counts = [0] * limit
    for item in items:
        counts[item] += 1
    ordered = []
    for item, count in enumerate(counts):
        ordered.extend([item] * count)
    return ordered


# === tests ===
def test_empty():
    assert merge_sort([]) == []


def test_one():
    assert merge_sort([5]) == [5]


def test_odd():
    assert merge_sort([3, 1, 2]) == [1, 2, 3]


def test_even():
    assert merge_sort([4, 1, 3, 2]) == [1, 2, 3, 4]


def test_merge():
    assert merge([1, 4], [2, 3, 9]) == [1, 2, 3, 4, 9]


def test_bucket():
    assert bucket_sort([3, 0, 3, 1], 4) == [0, 1, 3, 3]


# === bugs ===
# len(items) <= 1 => len(items) == 0
#     merged.extend(right[j:])\n => (nothing)
# enumerate(counts) => enumerate(items)
# merge_sort(items[middle:]) => merge_sort(items[middle + 1 :])
#             j += 1\n => (nothing)
