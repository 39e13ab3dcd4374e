"""Flatten yields the inner generators, and the like."""


def flatten(items):
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from flatten(item)
        else:
            yield item


# === tests ===
def test_flat():
    assert list(flatten([1, 2])) == [1, 2]


def test_deep():
    assert list(flatten([1, [2, (3,)]])) == [1, 2, 3]


# === bugs ===
# yield from flatten(item) => yield flatten(item)
# isinstance(item, (list, tuple)) => isinstance(item, list)
