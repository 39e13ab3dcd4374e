"""Defaults are shared between calls, and the like."""


def collect(item, into=None):
    if into is None:
        into = []
    into.append(item)
    return into


# === tests ===
def test_fresh():
    assert collect(1) == [1]
    assert collect(2) == [2]


def test_given():
    assert collect(1, [0]) == [0, 1]


# === bugs ===
# into=None):\n    if into is None:\n        into = []\n => into=[]):\n
