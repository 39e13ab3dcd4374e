"""Powers of a number loop for ever, and the like."""


def power(base, exponent):
    result = 1
    while exponent > 0:
        if exponent % 2 == 1:
            result *= base
        base *= base
        exponent //= 2
    return result


# === tests ===
def test_zero():
    assert power(3, 0) == 1


def test_five():
    assert power(2, 5) == 32


def test_ten():
    assert power(3, 4) == 81


# === bugs ===
# exponent //= 2 => exponent /= 2
