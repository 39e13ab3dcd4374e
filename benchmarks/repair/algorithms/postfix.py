"""Reading formulas and texts: postfix, brackets, lines, run lengths."""

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}


def evaluate(tokens):
    stack = []
    for token in tokens:
        if isinstance(token, (int, float)):
            stack.append(token)
        else:
            right = stack.pop()
            left = stack.pop()
            stack.append(OPERATORS[token](left, right))
    return stack.pop()


def to_postfix(tokens):
    output, operators = [], []
    for token in tokens:
        if isinstance(token, int):
            output.append(token)
        else:
            while operators and STRENGTH[token] <= STRENGTH[operators[-1]]:
                output.append(operators.pop())
            operators.append(token)
    while operators:
        output.append(operators.pop())
    return output


def is_closed(text):
    """Whether the parentheses fit."""
    depth = 0
    for letter in text:
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0


def wrapped(text, columns):
    lines = []
    while len(text) > columns:
        end = text.rfind(" ", 0, columns + 1)
        end = columns if end == -1 else end
        line, text = text[:end], text[end:]
        lines.append(line)
    lines.append(text)
    return lines


def flat(items):
    for item in items:
        if isinstance(item, list):
            yield from flat(item)
        else:
            yield item


def runs(text):
    """[("a", 3), ("b", 1)] for "aaab"."""
    found = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or text[place] != text[start]:
            found.append((text[start], place - start))
            start = place
    return found


# === tests ===
import pytest


@pytest.mark.parametrize("tokens, value", [([3, 5, "+"], 8), ([2, 7, "-"], -5), ([8, 2, 2, "/", "-"], 7), ([4], 4)])
def test_value(tokens, value):
    assert evaluate(tokens) == value


@pytest.mark.parametrize(
    "tokens, postfix",
    [
        ([], []),
        ([30], [30]),
        ([10, "-", 5, "-", 2], [10, 5, "-", 2, "-"]),
        ([3, "+", 4, "*", 2], [3, 4, 2, "*", "+"]),
        ([3, "*", 4, "+", 2], [3, 4, "*", 2, "+"]),
    ],
)
def test_postfix(tokens, postfix):
    assert to_postfix(tokens) == postfix


@pytest.mark.parametrize("text, closed", [("(()())", True), (")(", False), ("(", False), ("", True), ("())", False)])
def test_closed(text, closed):
    assert is_closed(text) is closed


@pytest.mark.parametrize(
    "text, columns, lines", [("ab cd ef", 5, ["ab cd", " ef"]), ("abcdef", 4, ["abcd", "ef"]), ("", 3, [""])]
)
def test_wrapped(text, columns, lines):
    assert wrapped(text, columns) == lines


@pytest.mark.parametrize(
    "items, flattened", [([[1, [], [2, 3]], [[4]], 5], [1, 2, 3, 4, 5]), ([[], []], []), (["ab"], ["ab"])]
)
def test_flat(items, flattened):
    assert list(flat(items)) == flattened


@pytest.mark.parametrize("text, found", [("aaab", [("a", 3), ("b", 1)]), ("", []), ("x", [("x", 1)])])
def test_runs(text, found):
    assert runs(text) == found


# === bugs ===
# OPERATORS[token](left, right) => OPERATORS[token](right, left)
#             operators.append(token)\n => (nothing)
# STRENGTH[token] <= STRENGTH => STRENGTH[token] < STRENGTH
#     return depth == 0 =>     return True
# columns + 1) => columns)
#     lines.append(text)\n    return => \n    return
#             yield item =>             yield flat(item)
#             start = place\n => (nothing)
# range(1, len(text) + 1) => range(1, len(text))
