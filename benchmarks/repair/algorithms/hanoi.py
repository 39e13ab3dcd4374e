"""Recursion that returns sequences."""


def moves(height, source="left", target="right", spare="middle"):
    if height == 0:
        return []
    first = moves(height - 1, source, spare, target)
    rest = moves(height - 1, spare, target, source)
    return first + [(source, target)] + rest


def gray(bits):
    if bits == 0:
        return [""]
    half = gray(bits - 1)
    return ["0" + code for code in half] + ["1" + code for code in reversed(half)]


# === tests ===
def test_none():
    assert moves(0) == []


def test_one():
    assert moves(1) == [("left", "right")]


def test_two():
    assert moves(2) == [("left", "middle"), ("left", "right"), ("middle", "right")]


def test_five():
    assert len(moves(5)) == 31


def test_gray():
    assert gray(2) == ["00", "01", "11", "10"]


# === bugs ===
# [(source, target)] => [(source, spare)]
# moves(height - 1, spare, target, source) => moves(height - 1, source, target, spare)
# reversed(half) => half
