"""Graph search never marks a node as seen, and the like."""


def reachable(graph, start):
    seen = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        for other in graph.get(node, []):
            waiting.append(other)
    return seen


# === tests ===
def test_line():
    assert reachable({"a": ["b"], "b": ["c"]}, "a") == {"a", "b", "c"}


def test_loop():
    assert reachable({"a": ["b"], "b": ["a"]}, "a") == {"a", "b"}


def test_alone():
    assert reachable({}, "a") == {"a"}


# === bugs ===
#         seen.add(node)\n => (nothing)
# graph.get(node, []) => graph[node]
