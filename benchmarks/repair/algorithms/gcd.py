"""Greatest common divisor recurses with its arguments the wrong way, and the like."""


def gcd(a, b):
    if b == 0:
        return a
    return gcd(b, a % b)


# === tests ===
def test_some():
    assert gcd(12, 18) == 6


def test_prime():
    assert gcd(17, 5) == 1


def test_zero():
    assert gcd(9, 0) == 9


# === bugs ===
# gcd(b, a % b) => gcd(a % b, b)
