"""Orders of things that need one another."""


def order(needs):
    """Names in an order that puts everything after what it needs. Raises ValueError when there is a circle."""
    done = []
    visiting = set()

    def visit(name):
        if name in done:
            return
        if name in visiting:
            raise ValueError(f"{name} needs itself")
        visiting.add(name)
        for other in needs.get(name, ()):
            visit(other)
        visiting.discard(name)
        done.append(name)

    for name in sorted(needs):
        visit(name)
    return done


def levels(needs):
    level = {}
    while len(level) < len(needs):
        ready = [one for one in needs if one not in level and all(other in level for other in needs[one])]
        if not ready:
            raise ValueError("circle")
        for one in ready:
            level[one] = 1 + max((level[other] for other in needs[one]), default=-1)
    return level


# === tests ===
import pytest


def test_chain():
    assert order({"a": ["b"], "b": ["c"]}) == ["c", "b", "a"]


def test_shared():
    assert order({"a": ["c"], "b": ["c"]}) == ["c", "a", "b"]


def test_circle():
    with pytest.raises(ValueError):
        order({"a": ["b"], "b": ["a"]})


def test_levels():
    assert levels({"a": ["b", "c"], "b": ["c"], "c": []}) == {"c": 0, "b": 1, "a": 2}


def test_level_circle():
    with pytest.raises(ValueError):
        levels({"a": ["a"]})


# === bugs ===
#         if name in visiting:\n            raise ValueError(f"{name} needs itself")\n => (nothing)
#         done.append(name)\n\n    for => \n    for
# all(other in level => any(other in level
# raise ValueError("circle") => raise KeyError("circle")
