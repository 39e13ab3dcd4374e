from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.fields import ENVIRONMENT_NAME as NAME
from mogplex.domain.fields import is_storable, kind_of, read_budget, read_commands, read_pairs, show

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)


class Faults(list[tuple[str, str]]):
    def __call__(self, field: str, reason: str) -> None:
        self.append((field, reason))


@given(st.text())
def test_text_is_storable_when_utf_8_and_a_c_string_can_hold_it(text: str) -> None:
    try:
        held = text.encode().split(b"\x00")[0].decode() == text
    except UnicodeEncodeError:
        held = False
    assert is_storable(text) == held


@given(ANYTHING)
def test_a_value_is_named_and_shown_in_one_short_line(value: Any) -> None:
    assert kind_of(value) in ("null", "a boolean", "a number", "a string", "a list", "an object")
    assert len(show(value)) <= 60
    assert "\n" not in show(value)


@given(st.dictionaries(st.sampled_from(["usd", "tokens", "modelCalls", "toolCalls", "eur"]), ANYTHING))
def test_a_budget_holds_positive_amounts_only_and_every_other_is_a_fault(value: dict[str, Any]) -> None:
    faults = Faults()
    wire = read_budget(value, faults).as_wire()
    given_names = {name for name, amount in value.items() if amount is not None or name == "eur"}
    assert {f"budget.{name}" for name in given_names - set(wire)} == {field for field, _ in faults}
    assert all(0 < amount <= 1e12 and amount == value[name] for name, amount in wire.items())
    assert all(isinstance(amount, int) for name, amount in wire.items() if name != "usd")


@given(ANYTHING)
def test_commands_are_texts_with_something_in_them(value: Any) -> None:
    faults = Faults()
    commands = read_commands("checks", value, faults)
    if not faults:
        assert commands == tuple(command.strip() for command in value)
        assert all(commands)


@given(ANYTHING)
def test_pairs_keep_what_fits_and_name_what_does_not(value: Any) -> None:
    faults = Faults()
    pairs = read_pairs("env", value, NAME, 3, 5, faults)
    assert all(NAME.match(name) and len(text) <= 5 for name, text in pairs.items())
    if isinstance(value, dict) and len(value) <= 3:
        assert len(pairs) + len(faults) == len(value)
    else:
        assert len(faults) == 1


@pytest.mark.parametrize("text", ["a\x00", "\ud83d", "\udc00"])
def test_what_can_not_be_stored(text: str) -> None:
    assert not is_storable(text)
