"""Scenario files: what can be written, which turn a place in a conversation plays, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.gateway.scripted.conversation import Entry, call_id, place_of
from mogplex.gateway.scripted.scenario import FaultKind
from mogplex.gateway.scripted.scenario_file import ScenarioError, parse_scenario, read_scenario

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_can_be_played(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.name == path.stem
    assert scenario.at(0) is not None


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("turns: [", "is no YAML"),
        ("- a", "must be a mapping"),
        ("name: x", "at least one turn"),
        ("turns: []", "at least one turn"),
        ("turns: [{say: hello}]", "turn 1: 'say' is unknown; there are: text"),
        ("turns: [{text: a}, {wait: 2}]", "turn 2: says nothing"),
        ("turns: [{text: 7}]", "turn 1: text: must be a text, not 7"),
        ("turns: [{text: a, fault: explode}]", "'explode' is unknown: use an HTTP status or one of http, refused"),
        ("turns: [{text: a, fault: 200}]", "status 200 is no error status"),
        ("turns: [{text: a, fault: {kind: 429, tries: 2}}]", "'tries' is unknown"),
        ("turns: [{text: a, fault: {kind: cut, times: 0}}]", "times: must be a whole number from 1, or forever"),
        ("turns: [{text: a, repeat: -1}]", "repeat: must be a whole number"),
        ("turns: [{tools: [{shell: {}, read: {}}]}]", "each entry is one `name: arguments`"),
        ("turns: [{text: a, usage: {tokens: 1}}]", "there are: input, output, cache_read, cache_write, reasoning"),
        ("turns: [{text: a, wait: .inf}]", "wait: must be a number"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text)
    assert told in caught.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="can't be read"):
        read_scenario(tmp_path / "no.yaml")


def numbers(text: str, count: int) -> list[int | None]:
    scenario = parse_scenario(text)
    steps = [scenario.at(index) for index in range(count)]
    return [step.number if step else None for step in steps]


def test_turns_are_played_in_order_and_then_no_more() -> None:
    assert numbers("turns: [{text: a}, {text: b, repeat: 2}, {text: c}]", 5) == [1, 2, 2, 3, None]


def test_a_turn_can_be_played_for_ever() -> None:
    assert numbers("turns: [{text: a}, {text: b, repeat: forever}]", 4) == [1, 2, 2, 2]


def test_a_fault_that_is_an_answer_takes_turns_of_the_conversation() -> None:
    scenario = parse_scenario("turns: [{text: a, fault: {kind: refusal, times: 2}}, {text: b}]")
    faults = [step.fault.kind if step and step.fault else None for step in map(scenario.at, range(4))]
    assert faults == [FaultKind.REFUSAL, FaultKind.REFUSAL, None, None]
    assert numbers("turns: [{text: a, fault: malformed_call}, {text: b}]", 3) == [1, 1, 1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=12), st.booleans())
def test_the_place_is_the_number_of_answers(answers: list[tuple[bool, int]], parallel: bool) -> None:
    """However a client writes its history: with or without reasoning first, results after each call or after all."""
    entries = [Entry(False)]
    for index, (with_text, calls) in enumerate(answers):
        ids = [call_id("call", index, index + 1, number) for number in range(calls)]
        if with_text or not calls:
            entries.append(Entry(True))
        if parallel:
            entries += [Entry(True, (name,)) for name in ids] + [Entry(False, (name,)) for name in ids]
        else:
            entries += [entry for name in ids for entry in (Entry(True, (name,)), Entry(False, (name,)))]
        if not calls:
            entries.append(Entry(False))
    assert place_of(entries) == len(answers)
