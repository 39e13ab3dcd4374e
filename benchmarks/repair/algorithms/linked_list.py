"""A linked list reverses into nothing, and the like."""


class Node:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following


def reverse(node):
    before = None
    while node is not None:
        node.following, before, node = before, node, node.following
    return before


def values(node):
    found = []
    while node is not None:
        found.append(node.value)
        node = node.following
    return found


# === tests ===
def test_three():
    assert values(reverse(Node(1, Node(2, Node(3))))) == [3, 2, 1]


def test_one():
    assert values(reverse(Node(1))) == [1]


def test_none():
    assert reverse(None) is None


# === bugs ===
#     return before\n =>     return node\n
