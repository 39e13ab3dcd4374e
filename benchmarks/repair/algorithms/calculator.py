"""Infix to postfix, and its value."""

RANKS = {"+": 1, "-": 1, "*": 2, "/": 2}


def to_postfix(tokens):
    output, waiting = [], []
    for token in tokens:
        if token in RANKS:
            while waiting and waiting[-1] != "(" and RANKS[waiting[-1]] >= RANKS[token]:
                output.append(waiting.pop())
            waiting.append(token)
        elif token == "(":
            waiting.append(token)
        elif token == ")":
            while waiting[-1] != "(":
                output.append(waiting.pop())
            waiting.pop()
        else:
            output.append(token)
    while waiting:
        output.append(waiting.pop())
    return output


def evaluate(postfix):
    stack = []
    for token in postfix:
        if token in RANKS:
            right = stack.pop()
            left = stack.pop()
            stack.append({"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}[token])
        else:
            stack.append(float(token))
    return stack[0]


# === tests ===
def value(text):
    return evaluate(to_postfix(text.split()))


def test_order():
    assert value("1 + 2 * 3") == 7


def test_left():
    assert value("9 - 3 - 2") == 4


def test_parentheses():
    assert value("( 1 + 2 ) * 3") == 9


def test_nested():
    assert value("2 * ( 3 + ( 4 - 1 ) )") == 12


def test_division():
    assert value("8 / 2") == 4


def test_postfix():
    assert to_postfix(["1", "-", "2", "+", "3"]) == ["1", "2", "-", "3", "+"]


# === bugs ===
# RANKS[waiting[-1]] >= RANKS[token] => RANKS[waiting[-1]] > RANKS[token]
#             waiting.append(token)\n        elif token == "(" =>         elif token == "("
#             waiting.pop()\n        else =>         else
# "-": left - right => "-": right - left
