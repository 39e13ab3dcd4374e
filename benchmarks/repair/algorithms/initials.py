"""A missing middle name breaks the initials, and the like."""


def initials(first, middle, last):
    names = [first, middle, last]
    return "".join(name[0].upper() for name in names if name)


def shout(text):
    if text is None:
        return ""
    return text.upper() + "!"


# === tests ===
def test_three():
    assert initials("ada", "m", "byron") == "AMB"


def test_two():
    assert initials("ada", None, "byron") == "AB"


def test_shout():
    assert shout("hey") == "HEY!"


def test_nothing():
    assert shout(None) == ""


# === bugs ===
#     if text is None:\n        return ""\n => (nothing)
