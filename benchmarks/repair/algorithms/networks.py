"""Weighted graphs: relaxing edges, all pairs, the cheapest tree, the cheapest way."""

from heapq import heappop, heappush


def from_source(source, edges):
    """Bellman and Ford; edges are {(from, to): weight}. Returns {node: distance}."""
    nodes = {node for edge in edges for node in edge} | {source}
    distances = {node: float("inf") for node in nodes}
    distances[source] = 0
    for _ in range(len(nodes) - 1):
        for (here, there), weight in edges.items():
            distances[there] = min(distances[there], distances[here] + weight)
    return distances


def between_all(count, edges):
    """Floyd and Warshall for nodes 0 to count - 1."""
    table = [[0 if i == j else edges.get((i, j), float("inf")) for j in range(count)] for i in range(count)]
    for k in range(count):
        for i in range(count):
            for j in range(count):
                table[i][j] = min(table[i][j], table[i][k] + table[k][j])
    return table


def cheapest_tree(weights):
    """Kruskal with groups; weights are {(a, b): weight}."""
    group = {}
    tree = set()
    for one, other in sorted(weights, key=weights.get):
        mine = group.setdefault(one, {one})
        theirs = group.setdefault(other, {other})
        if mine is not theirs:
            tree.add((one, other))
            mine |= theirs
            for node in theirs:
                group[node] = mine
    return tree


def cheapest_way(weights, start, goal):
    """Dijkstra; weights are {from: {to: weight}}. Infinity when there is no way."""
    heap = [(0, start)]
    done = set()
    while heap:
        length, node = heappop(heap)
        if node == goal:
            return length
        if node in done:
            continue
        done.add(node)
        for other, weight in weights.get(node, {}).items():
            heappush(heap, (length + weight, other))
    return float("inf")


# === tests ===
EDGES = {("a", "b"): 3, ("a", "c"): 8, ("b", "c"): 2, ("c", "d"): 1}


def test_source():
    assert from_source("a", EDGES) == {"a": 0, "b": 3, "c": 5, "d": 6}


def test_source_negative():
    assert from_source("a", {("c", "d"): 1, ("b", "c"): -4, ("a", "b"): 2}) == {"a": 0, "b": 2, "c": -2, "d": -1}


def test_source_alone():
    assert from_source("x", {}) == {"x": 0}


def test_all():
    table = between_all(4, {(0, 1): 3, (0, 2): 8, (1, 2): 2, (2, 3): 1, (3, 0): 4})
    assert table[0] == [0, 3, 5, 6] and table[2] == [5, 8, 0, 1]


def test_tree():
    assert cheapest_tree({(1, 2): 10, (2, 3): 15, (3, 4): 10, (1, 4): 10}) == {(1, 2), (3, 4), (1, 4)}


def test_tree_of_groups():
    assert cheapest_tree({(1, 2): 1, (3, 4): 1, (2, 3): 2, (1, 4): 3}) == {(1, 2), (3, 4), (2, 3)}


WEIGHTS = {"a": {"b": 1, "c": 5}, "b": {"c": 1, "d": 7}, "c": {"d": 2}}


def test_way():
    assert cheapest_way(WEIGHTS, "a", "d") == 4 and cheapest_way(WEIGHTS, "b", "b") == 0


def test_no_way():
    assert cheapest_way(WEIGHTS, "d", "a") == float("inf")


def test_way_in_a_circle():
    assert cheapest_way({1: {2: 1}, 2: {1: 1}}, 1, 3) == float("inf")


# === bugs ===
# distances[here] + weight) => weight)
# min(distances[there], distances[here] + weight) => min(distances[here], distances[there] + weight)
# table[i][k] + table[k][j] => table[i][k] + table[j][k]
# group[node] = mine => group[node] = theirs
# (length + weight, other) => (weight, other)
#         done.add(node)\n => (nothing)
# key=weights.get => key=max
# if node == goal: => if goal in weights.get(node, {}):
