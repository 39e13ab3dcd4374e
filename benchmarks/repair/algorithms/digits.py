"""Numbers: divisors, primes, digits, bits, roots."""


def common_divisor(one, other):
    while other:
        one, other = other, one % other
    return one


def prime_factors(number):
    for candidate in range(2, int(number**0.5) + 1):
        if number % candidate == 0:
            return [candidate] + prime_factors(number // candidate)
    return [number] if number > 1 else []


def primes_to(limit):
    found = []
    for number in range(2, limit + 1):
        if all(number % prime for prime in found):
            found.append(number)
    return found


def bits(number):
    count = 0
    while number:
        count += number & 1
        number >>= 1
    return count


def square_root(value, tolerance=1e-9):
    """By halving."""
    low, high = 0.0, max(1.0, value)
    while high - low > tolerance:
        middle = (low + high) / 2
        if middle * middle < value:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def newton(value, tolerance):
    guess = value / 2
    while abs(value - guess**2) > tolerance:
        guess = 0.5 * (guess + value / guess)
    return guess


def in_base(number, base):
    if number < base:
        return "0123456789ABCDEF"[number]
    return in_base(number // base, base) + in_base(number % base, base)


def next_palindrome(digits):
    """The digits of the next larger number that reads the same from both ends."""
    number = int("".join(map(str, digits))) + 1
    while str(number) != str(number)[::-1]:
        number += 1
    return [int(digit) for digit in str(number)]


def is_valid_card(digits):
    """Luhn's sum."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        if place % 2 == 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


# === tests ===
import pytest


@pytest.mark.parametrize("one, other, divisor", [(35, 21, 7), (13, 13, 13), (0, 5, 5), (17, 4, 1)])
def test_divisor(one, other, divisor):
    assert common_divisor(one, other) == divisor


@pytest.mark.parametrize("number, factors", [(1, []), (7, [7]), (12, [2, 2, 3]), (25, [5, 5]), (101, [101])])
def test_factors(number, factors):
    assert prime_factors(number) == factors


@pytest.mark.parametrize("limit, primes", [(1, []), (2, [2]), (5, [2, 3, 5]), (20, [2, 3, 5, 7, 11, 13, 17, 19])])
def test_primes(limit, primes):
    assert primes_to(limit) == primes


@pytest.mark.parametrize("number, count", [(0, 0), (127, 7), (128, 1), (3005, 9)])
def test_bits(number, count):
    assert bits(number) == count


@pytest.mark.parametrize("value, root", [(2, 1.41421), (4, 2), (0.25, 0.5), (33, 5.744563)])
def test_roots(value, root):
    assert abs(square_root(value) - root) < 1e-4 and abs(newton(value, 0.00001) - root) < 1e-2


@pytest.mark.parametrize("number, base, text", [(31, 16, "1F"), (8, 2, "1000"), (0, 3, "0"), (16, 16, "10")])
def test_base(number, base, text):
    assert in_base(number, base) == text


@pytest.mark.parametrize("digits, after", [([1, 4, 9, 4, 1], [1, 5, 0, 5, 1]), ([9, 9], [1, 0, 1]), ([1], [2])])
def test_palindrome(digits, after):
    assert next_palindrome(digits) == after


@pytest.mark.parametrize("digits, valid", [([1, 8], True), ([1, 7], False), ([5, 9], True), ([1, 2, 3, 4, 5, 5], True)])
def test_card(digits, valid):
    assert is_valid_card(digits) is valid


# === bugs ===
# one, other = other, one % other => one, other = one % other, other
# return [number] if number > 1 else [] => return []
# int(number**0.5) + 1) => int(number**0.5))
# if all(number % prime => if any(number % prime
# count += number & 1 => count += number ^ 1
# value - guess**2) > tolerance => value - guess) > tolerance
# in_base(number // base, base) + in_base(number % base, base) => in_base(number % base, base) + in_base(number // base, base)
# if number < base: => if number <= base:
# if place % 2 == 1: => if place % 2 == 0:
