"""Interval merge forgets touching ends, and the like."""


def merge(spans):
    spans = sorted(spans)
    merged = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


# === tests ===
def test_apart():
    assert merge([(5, 6), (1, 2)]) == [(1, 2), (5, 6)]


def test_overlap():
    assert merge([(1, 4), (2, 6)]) == [(1, 6)]


def test_touch():
    assert merge([(1, 2), (2, 3)]) == [(1, 3)]


def test_inside():
    assert merge([(1, 9), (2, 3)]) == [(1, 9)]


# === bugs ===
# start <= merged[-1][1] => start < merged[-1][1]
# max(merged[-1][1], end) => end
# start <= merged[-1][1] => start < merged[-1][1] && max(merged[-1][1], end) => end
