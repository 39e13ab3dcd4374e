"""A class with rules."""


class Account:
    def __init__(self, owner, balance=0, limit=None):
        self.owner = owner
        self.balance = balance
        self.limit = limit
        self.history = []

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("only positive amounts")
        self.balance += amount
        self.history.append(("deposit", amount))

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError("not enough money")
        if self.limit is not None and amount > self.limit:
            raise ValueError("over the limit")
        self.balance -= amount
        self.history.append(("withdraw", amount))

    def transfer(self, other, amount):
        self.withdraw(amount)
        other.deposit(amount)

    def summary(self):
        total = sum(amount for kind, amount in self.history if kind == "deposit")
        return f"{self.owner}: {self.balance} ({total} in)"


# === tests ===
import pytest


def test_deposit():
    account = Account("ann")
    account.deposit(5)
    assert account.balance == 5 and account.history == [("deposit", 5)]


def test_zero():
    with pytest.raises(ValueError):
        Account("ann").deposit(0)


def test_too_much():
    with pytest.raises(ValueError):
        Account("ann", 3).withdraw(4)


def test_all():
    account = Account("ann", 3)
    account.withdraw(3)
    assert account.balance == 0 and account.history == [("withdraw", 3)]


def test_limit():
    with pytest.raises(ValueError):
        Account("ann", 30, 10).withdraw(11)


def test_limit_zero():
    with pytest.raises(ValueError):
        Account("ann", 30, 0).withdraw(1)


def test_transfer():
    one, other = Account("ann", 9), Account("bob")
    one.transfer(other, 4)
    assert (one.balance, other.balance) == (5, 4)


def test_summary():
    account = Account("ann", 1)
    account.deposit(5)
    account.withdraw(2)
    assert account.summary() == "ann: 4 (5 in)"


# === bugs ===
# if amount <= 0 => if amount < 0
# if self.limit is not None and amount => if self.limit and amount
# if kind == "deposit" => if kind
#         self.history.append(("withdraw", amount))\n => (nothing)
# other.deposit(amount) => self.deposit(amount)
#         if amount > self.balance:\n            raise ValueError("not enough money")\n => (nothing)
# if amount <= 0 => if amount < 0 && if amount > self.balance => if amount >= self.balance
# other.deposit(amount) => self.deposit(amount) && if kind == "deposit") => if kind == "withdraw")
