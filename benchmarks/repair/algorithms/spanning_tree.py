"""Trees and components of graphs."""


def spanning_tree(edges):
    """Kruskal; edges are (weight, a, b). Returns the chosen edges."""
    leader = {}

    def find(node):
        while leader.setdefault(node, node) != node:
            node = leader[node]
        return node

    chosen = []
    for weight, a, b in sorted(edges):
        one, other = find(a), find(b)
        if one != other:
            leader[one] = other
            chosen.append((weight, a, b))
    return chosen


def components(nodes, links):
    seen, count = set(), 0
    for node in nodes:
        if node not in seen:
            count += 1
            waiting = [node]
            while waiting:
                current = waiting.pop()
                if current not in seen:
                    seen.add(current)
                    waiting.extend(links.get(current, []))
    return count


# === tests ===
def test_triangle():
    assert spanning_tree([(3, "a", "c"), (1, "a", "b"), (2, "b", "c")]) == [(1, "a", "b"), (2, "b", "c")]


def test_square():
    assert len(spanning_tree([(1, 1, 2), (1, 2, 3), (1, 3, 4), (1, 4, 1), (5, 1, 3)])) == 3


def test_leaders():
    assert len(spanning_tree([(1, 1, 2), (2, 1, 3), (3, 2, 3)])) == 2


def test_parts():
    assert components("abcd", {"a": ["b"], "b": ["a"]}) == 3


def test_circle():
    assert components("ab", {"a": ["b"], "b": ["a"]}) == 1


# === bugs ===
# leader[one] = other => leader[a] = other
# in sorted(edges) => in edges
#             count += 1\n => (nothing)
#         if one != other:\n =>         if a != b:\n
