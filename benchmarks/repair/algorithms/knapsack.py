"""Packing by tables."""


def best_value(capacity, items):
    """`items` are (weight, value); each may be taken once."""
    table = [[0] * (capacity + 1) for _ in range(len(items) + 1)]
    for row, (weight, value) in enumerate(items, 1):
        for room in range(1, capacity + 1):
            table[row][room] = table[row - 1][room]
            if weight <= room:
                table[row][room] = max(table[row][room], value + table[row - 1][room - weight])
    return table[len(items)][capacity]


def partition(weights, half):
    reachable = {0}
    for weight in weights:
        reachable |= {one + weight for one in reachable if one + weight <= half}
    return half in reachable


# === tests ===
def test_none():
    assert best_value(10, []) == 0


def test_exact():
    assert best_value(5, [(5, 10)]) == 10


def test_once():
    assert best_value(10, [(5, 10), (6, 11)]) == 11


def test_mix():
    assert best_value(50, [(10, 60), (20, 100), (30, 120)]) == 220


def test_too_heavy():
    assert best_value(5, [(1, 5), (9, 1)]) == 5


def test_partition():
    assert partition([3, 1, 4], 4) and not partition([3, 5], 4)


# === bugs ===
# if weight <= room => if weight < room
# value + table[row - 1][room - weight] => value + table[row][room - weight]
#             table[row][room] = table[row - 1][room]\n => (nothing)
