"""Coins: the ways are counted from an empty table, and the like."""


def ways(coins, amount):
    table = [1] + [0] * amount
    for coin in coins:
        for target in range(coin, amount + 1):
            table[target] += table[target - coin]
    return table[amount]


# === tests ===
def test_small():
    assert ways([1, 2], 3) == 2


def test_money():
    assert ways([1, 2, 5], 5) == 4


def test_none():
    assert ways([7], 3) == 0


def test_zero():
    assert ways([1], 0) == 1


# === bugs ===
# range(coin, amount + 1) => range(amount + 1)
