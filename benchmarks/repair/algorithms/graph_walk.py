"""Graphs of linked nodes: walks in breadth and depth, distances, an order."""

from collections import deque


class Node:
    def __init__(self, name, following=()):
        self.name = name
        self.following = list(following)
        self.before = []
        for other in self.following:
            other.before.append(self)


def is_reachable(start, goal):
    """In breadth."""
    waiting = deque([start])
    seen = {start}
    while waiting:
        node = waiting.popleft()
        if node is goal:
            return True
        waiting.extend(other for other in node.following if other not in seen)
        seen.update(node.following)
    return False


def way(node, goal, seen=None):
    """In depth: the names on a way to the goal, or None."""
    seen = set() if seen is None else seen
    if node in seen:
        return None
    if node is goal:
        return [node.name]
    seen.add(node)
    for other in node.following:
        rest = way(other, goal, seen)
        if rest is not None:
            return [node.name] + rest
    return None


def distance(start, goal):
    waiting = deque([(start, 0)])
    seen = {start}
    while waiting:
        node, steps = waiting.popleft()
        if node is goal:
            return steps
        for other in node.following:
            if other not in seen:
                seen.add(other)
                waiting.append((other, steps + 1))
    return -1


def in_order(nodes):
    """Every node after all that lead to it."""
    done = [node for node in nodes if not node.before]
    for node in done:
        for other in node.following:
            if other not in done and set(other.before) <= set(done):
                done.append(other)
    return done


# === tests ===
def net():
    end = Node("end")
    left, right = Node("left", [end]), Node("right", [end])
    start = Node("start", [left, right])
    return start, left, right, end


def circle():
    one = Node("one")
    two = Node("two", [one])
    one.following.append(two)
    two.before.append(one)
    return one, two


def test_reachable():
    start, left, right, end = net()
    assert is_reachable(start, end) and is_reachable(left, left)


def test_not_reachable():
    start, left, right, end = net()
    assert not is_reachable(end, start)


def test_circle():
    one, two = circle()
    assert not is_reachable(one, Node("far"))


def test_way():
    start, left, right, end = net()
    assert way(start, right) == ["start", "right"] and way(left, right) is None


def test_way_in_a_circle():
    one, two = circle()
    assert way(one, Node("far")) is None


def test_distance():
    start, left, right, end = net()
    assert distance(start, end) == 2 and distance(start, start) == 0 and distance(end, start) == -1


def test_distance_in_a_circle():
    one, two = circle()
    assert distance(Node("out", [one]), Node("far")) == -1


def test_in_order():
    start, left, right, end = net()
    assert [node.name for node in in_order([end, right, left, start])] == ["start", "left", "right", "end"]


# === bugs ===
#     while waiting:\n        node = waiting.popleft()\n        if node is goal:\n            return True =>     while True:\n        node = waiting.popleft()\n        if node is goal:\n            return True
#     seen.add(node)\n    for other => \n    for other
# for other in node.following if other not in seen) => for other in node.following)
# (other, steps + 1) => (other, steps)
# set(other.before) <= set(done) => set(other.following) <= set(done)
#                 seen.add(other)\n => (nothing)
# rest = way(other, goal, seen) => rest = way(other, goal)
