"""Subsets, choices, permutations."""


def subsets(items):
    if not items:
        return [[]]
    first, *rest = items
    without = subsets(rest)
    return without + [[first] + one for one in without]


def choose(items, count):
    if count == 0:
        return [[]]
    return [[item] + rest for place, item in enumerate(items) for rest in choose(items[place + 1 :], count - 1)]


def next_permutation(items):
    items = list(items)
    for low in range(len(items) - 2, -1, -1):
        if items[low] < items[low + 1]:
            for high in range(len(items) - 1, low, -1):
                if items[low] < items[high]:
                    items[low], items[high] = items[high], items[low]
                    items[low + 1 :] = reversed(items[low + 1 :])
                    return items
    return None


# === tests ===
def test_subsets():
    assert sorted(subsets([1, 2])) == [[], [1], [1, 2], [2]]


def test_eight():
    assert len(subsets("abc")) == 8


def test_choose():
    assert choose("abc", 2) == [["a", "b"], ["a", "c"], ["b", "c"]]


def test_next():
    assert next_permutation([1, 3, 2]) == [2, 1, 3]


def test_middle():
    assert next_permutation([3, 5, 6, 2, 1]) == [3, 6, 1, 2, 5]


def test_last():
    assert next_permutation([3, 2, 1]) is None


# === bugs ===
# return without + [[first] => return [[first]
# choose(items[place + 1 :], count - 1) => choose(items[place:], count - 1)
#         return [[]]\n    first =>         return []\n    first
# if items[low] < items[high] => if items[low] > items[high]
# range(len(items) - 1, low, -1) => range(len(items) - 1, low - 1)
