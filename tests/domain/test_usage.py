from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.usage import Usage

COUNTS = st.integers(0, 10**12)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


@given(USAGES)
def test_the_wire_form_reads_back(usage: Usage) -> None:
    wire = usage.as_wire()
    assert Usage.of(wire) == usage
    assert set(wire) == {name[0] + name.title().replace("_", "")[1:] for name in Usage.__slots__}


@given(USAGES, USAGES, USAGES)
def test_sums_are_by_class_and_in_any_order(one: Usage, two: Usage, three: Usage) -> None:
    assert (one + two).input_tokens == one.input_tokens + two.input_tokens
    assert (one + two).tool_errors == one.tool_errors + two.tool_errors
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one + Usage() == one


def test_what_is_missing_counts_as_none_used() -> None:
    assert Usage.of(None) == Usage.of({}) == Usage()
    assert Usage.of({"inputTokens": 5}) == Usage(input_tokens=5)
