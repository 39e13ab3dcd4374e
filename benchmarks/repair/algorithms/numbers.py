"""Bases, factors, roots, bits."""


def to_base(number, base):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    result = ""
    while number > 0:
        number, rest = divmod(number, base)
        result = digits[rest] + result
    return result or "0"


def factors(number):
    found = []
    candidate = 2
    while candidate * candidate <= number:
        while number % candidate == 0:
            found.append(candidate)
            number //= candidate
        candidate += 1
    if number > 1:
        found.append(number)
    return found


def root(value, precision=1e-9):
    guess = value / 2
    while abs(guess * guess - value) > precision:
        guess = (guess + value / guess) / 2
    return guess


def ones(number):
    count = 0
    while number:
        number &= number - 1
        count += 1
    return count


# === tests ===
def test_binary():
    assert to_base(10, 2) == "1010"


def test_hex():
    assert to_base(255, 16) == "ff"


def test_zero():
    assert to_base(0, 7) == "0"


def test_factors():
    assert factors(84) == [2, 2, 3, 7]


def test_square():
    assert factors(49) == [7, 7]


def test_prime():
    assert factors(13) == [13]


def test_root():
    assert abs(root(2) - 1.41421356) < 1e-6 and abs(root(100) - 10) < 1e-6


def test_ones():
    assert [ones(n) for n in (0, 1, 5, 255)] == [0, 1, 2, 8]


# === bugs ===
# digits[rest] + result => result + digits[rest]
# result or "0" => result
# candidate * candidate <= number => candidate * candidate < number
# abs(guess * guess - value) > precision => abs(guess - value) > precision
# number &= number - 1 => number &= number >> 1
#         found.append(number)\n    return found =>         found.append(candidate)\n    return found
