"""Shortest ways in graphs."""

import heapq


def distances(graph, start):
    """Dijkstra: node -> length of the shortest way from `start`."""
    found = {}
    waiting = [(0, start)]
    while waiting:
        length, node = heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = length
        for other, step in graph.get(node, {}).items():
            if other not in found:
                heapq.heappush(waiting, (length + step, other))
    return found


def all_pairs(nodes, edges):
    """Floyd and Warshall; edges are {(from, to): length}."""
    best = {(a, b): 0 if a == b else edges.get((a, b), float("inf")) for a in nodes for b in nodes}
    for middle in nodes:
        for a in nodes:
            for b in nodes:
                best[a, b] = min(best[a, b], best[a, middle] + best[middle, b])
    return best


# === tests ===
GRAPH = {"a": {"b": 4, "c": 1}, "c": {"b": 2, "d": 7}, "b": {"d": 1}}


def test_detour():
    assert distances(GRAPH, "a") == {"a": 0, "b": 3, "c": 1, "d": 4}


def test_alone():
    assert distances({}, "x") == {"x": 0}


def test_loop():
    assert distances({"a": {"b": 1}, "b": {"a": 1}}, "a") == {"a": 0, "b": 1}


def test_pairs():
    best = all_pairs("abc", {("a", "b"): 3, ("b", "c"): 4, ("a", "c"): 9})
    assert best["a", "c"] == 7 and best["c", "a"] == float("inf") and best["b", "b"] == 0


# === bugs ===
# (length + step, other) => (step, other)
# best[a, middle] + best[middle, b] => best[a, middle] + best[b, middle]
#         found[node] = length\n => (nothing)
