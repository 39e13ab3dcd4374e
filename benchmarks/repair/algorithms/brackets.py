"""Brackets: an unopened one passes, and the like."""

PAIRS = {")": "(", "]": "[", "}": "{"}


def balanced(text):
    open_ones = []
    for character in text:
        if character in PAIRS.values():
            open_ones.append(character)
        elif character in PAIRS:
            if not open_ones or open_ones.pop() != PAIRS[character]:
                return False
    return not open_ones


# === tests ===
def test_good():
    assert balanced("a(b[c]{d})")


def test_crossed():
    assert not balanced("([)]")


def test_unopened():
    assert not balanced(")")


def test_unclosed():
    assert not balanced("((")


def test_empty():
    assert balanced("")


# === bugs ===
# if not open_ones or open_ones.pop() => if open_ones and open_ones.pop()
