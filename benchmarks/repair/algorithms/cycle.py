"""Linked lists."""


class Node:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following


def has_cycle(node):
    slow = fast = node
    while fast is not None and fast.following is not None:
        slow = slow.following
        fast = fast.following.following
        if slow is fast:
            return True
    return False


def remove(head, value):
    before, node = None, head
    while node is not None:
        if node.value == value:
            if before is None:
                head = node.following
            else:
                before.following = node.following
        else:
            before = node
        node = node.following
    return head


def middle(head):
    slow = fast = head
    while fast.following is not None and fast.following.following is not None:
        slow = slow.following
        fast = fast.following.following
    return slow.value


# === tests ===
def listed(node):
    values = []
    while node:
        values.append(node.value)
        node = node.following
    return values


def test_no_cycle():
    assert not has_cycle(Node(1, Node(2)))


def test_odd():
    assert not has_cycle(Node(1, Node(2, Node(3))))


def test_none():
    assert not has_cycle(None)


def test_cycle():
    last = Node(3)
    last.following = Node(1, Node(2, last))
    assert has_cycle(last)


def test_remove_first():
    assert listed(remove(Node(1, Node(2)), 1)) == [2]


def test_remove_pair():
    assert listed(remove(Node(1, Node(2, Node(2, Node(3)))), 2)) == [1, 3]


def test_middle():
    assert middle(Node(1, Node(2, Node(3)))) == 2 and middle(Node(1, Node(2))) == 1


# === bugs ===
# while fast is not None and fast.following is not None => while fast.following is not None
# fast = fast.following.following\n        if => fast = fast.following\n        if
#         else:\n            before = node\n => (nothing)
# head = node.following\n            else => head = node\n            else
