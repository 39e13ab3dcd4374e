"""Chains of nodes."""


class Link:
    def __init__(self, value, after=None):
        self.value = value
        self.after = after


def has_circle(link):
    """Tortoise and hare."""
    slow = fast = link
    while fast is not None and fast.after is not None:
        slow = slow.after
        fast = fast.after.after
        if slow is fast:
            return True
    return False


def turned(link):
    before = None
    while link is not None:
        after = link.after
        link.after = before
        before = link
        link = after
    return before


def nth_from_end(link, n):
    ahead = link
    for _ in range(n):
        if ahead is None:
            return None
        ahead = ahead.after
    while ahead is not None:
        ahead = ahead.after
        link = link.after
    return link.value


def without(link, value):
    """The chain with every such value taken out."""
    head = Link(None, link)
    here = head
    while here.after is not None:
        if here.after.value == value:
            here.after = here.after.after
        else:
            here = here.after
    return head.after


def merged(one, other):
    """Two chains in order made one."""
    head = last = Link(None)
    while one is not None and other is not None:
        if one.value <= other.value:
            last.after, one = one, one.after
        else:
            last.after, other = other, other.after
        last = last.after
    last.after = one if one is not None else other
    return head.after


# === tests ===
def chain(*values):
    link = None
    for value in reversed(values):
        link = Link(value, link)
    return link


def listed(link):
    values = []
    while link is not None and len(values) < 20:
        values.append(link.value)
        link = link.after
    return values


def test_circle():
    link = chain(1, 2, 3)
    link.after.after.after = link.after
    assert has_circle(link)


def test_no_circle():
    assert not has_circle(chain(1, 2, 3, 4)) and not has_circle(chain(1, 2, 3)) and not has_circle(None)


def test_turned():
    assert listed(turned(chain(1, 2, 3))) == [3, 2, 1]


def test_nth():
    assert [nth_from_end(chain(4, 5, 6), n) for n in (1, 2, 3)] == [6, 5, 4]


def test_nth_too_far():
    assert nth_from_end(chain(4), 3) is None


def test_without():
    assert listed(without(chain(1, 1, 2, 1, 3, 1), 1)) == [2, 3]


def test_without_any():
    assert listed(without(None, 1)) == []


def test_merged():
    assert listed(merged(chain(1, 4, 6), chain(2, 3, 9, 10))) == [1, 2, 3, 4, 6, 9, 10]


# === bugs ===
# while fast is not None and fast.after is not None => while fast.after is not None
#         before = link\n        link = after =>         link = after
#         if ahead is None:\n            return None\n => (nothing)
# head = Link(None, link) => head = Link(None)
#         last = last.after\n => (nothing)
# last.after = one if one is not None else other => last.after = one
#         else:\n            here = here.after =>         here = here.after
