"""Sieve starts crossing out at the prime itself, and the like."""


def primes(limit):
    alive = [True] * (limit + 1)
    found = []
    for number in range(2, limit + 1):
        if alive[number]:
            found.append(number)
            for multiple in range(number * number, limit + 1, number):
                alive[multiple] = False
    return found


# === tests ===
def test_ten():
    assert primes(10) == [2, 3, 5, 7]


def test_thirteen():
    assert primes(13) == [2, 3, 5, 7, 11, 13]


def test_none():
    assert primes(1) == []


# === bugs ===
# alive = [True] * (limit + 1) => alive = [True] * limit
