"""Edit distance charges for equal letters, and the like."""


def distance(one, other):
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            cost = 0 if left == right else 1
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + cost)
    return row[-1]


# === tests ===
def test_same():
    assert distance("abc", "abc") == 0


def test_sub():
    assert distance("kitten", "sitting") == 3


def test_empty():
    assert distance("", "ab") == 2


# === bugs ===
# before + cost) => before + 1)
