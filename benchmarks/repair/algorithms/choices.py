"""Choosing: subsets, subsequences, change, partitions, ways up a stair."""


def power_set(items):
    if not items:
        return [[]]
    smaller = power_set(items[:-1])
    return smaller + [one + [items[-1]] for one in smaller]


def rising(low, high, count):
    """All rising sequences of `count` numbers from `low` to below `high`."""
    if count == 0:
        return [[]]
    found = []
    for first in range(low, high):
        found.extend([first, *rest] for rest in rising(first + 1, high, count - 1))
    return found


def ways(amount, coins):
    """In how many ways an amount can be paid."""
    if amount == 0:
        return 1
    if amount < 0 or not coins:
        return 0
    return ways(amount - coins[0], coins) + ways(amount, coins[1:])


def fewest(amount, coins):
    """The fewest coins that make the amount; None when they can't."""
    counts = [0] + [None] * amount
    for here in range(1, amount + 1):
        known = [counts[here - coin] for coin in coins if coin <= here and counts[here - coin] is not None]
        if known:
            counts[here] = min(known) + 1
    return counts[amount]


def partitions(number, largest=None):
    """Ways to write a number as a sum, larger parts first."""
    largest = number if largest is None else largest
    if number == 0:
        return [[]]
    found = []
    for part in range(min(number, largest), 0, -1):
        for rest in partitions(number - part, part):
            found.append([part] + rest)
    return found


def letters(text):
    """All orders of the letters, each once."""
    if len(text) <= 1:
        return {text}
    return {text[i] + rest for i in range(len(text)) for rest in letters(text[:i] + text[i + 1 :])}


# === tests ===
def test_power_set():
    assert power_set("ab") == [[], ["a"], ["b"], ["a", "b"]]


def test_rising():
    assert rising(1, 4, 2) == [[1, 2], [1, 3], [2, 3]] and rising(0, 3, 3) == [[0, 1, 2]]


def test_rising_none():
    assert rising(1, 3, 0) == [[]] and rising(2, 2, 1) == []


def test_ways():
    assert [ways(amount, [5, 2, 1]) for amount in (0, 1, 5, 11)] == [1, 1, 4, 11]


def test_no_coins():
    assert ways(3, []) == 0 and ways(3, [2]) == 0


def test_fewest():
    assert fewest(6, [1, 3, 4]) == 2 and fewest(0, [2]) == 0


def test_fewest_none():
    assert fewest(3, [2]) is None and fewest(7, [5, 3]) is None


def test_partitions():
    assert partitions(4) == [[4], [3, 1], [2, 2], [2, 1, 1], [1, 1, 1, 1]]


def test_letters():
    assert letters("abb") == {"abb", "bab", "bba"} and letters("") == {""}


# === bugs ===
# return smaller + [one => return [one
# rising(first + 1, high, count - 1) => rising(low + 1, high, count - 1)
#     if amount < 0 or not coins:\n =>     if amount < 0:\n
# ways(amount - coins[0], coins) => ways(amount - coins[0], coins[1:])
# coin <= here and => coin < here and
# partitions(number - part, part) => partitions(number - part)
# if len(text) <= 1: => if len(text) == 1:
