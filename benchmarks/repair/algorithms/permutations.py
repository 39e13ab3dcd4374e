"""Permutations share one list, and the like."""


def permutations(items):
    found = []

    def extend(chosen, left):
        if not left:
            found.append(chosen[:])
            return
        for item in left:
            chosen.append(item)
            extend(chosen, [other for other in left if other != item])
            chosen.pop()

    extend([], items)
    return found


# === tests ===
def test_two():
    assert permutations([1, 2]) == [[1, 2], [2, 1]]


def test_none():
    assert permutations([]) == [[]]


# === bugs ===
# found.append(chosen[:]) => found.append(chosen)
