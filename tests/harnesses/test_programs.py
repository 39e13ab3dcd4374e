"""The real programs do what their adapters promise, in a sandbox whose only neighbour is a scripted model."""

from __future__ import annotations

import json

import pytest

from mogplex.domain.event import EventType
from tests.harnesses.programs import BOTH, set_stage

MEND = """
turns:
- reasoning: It subtracts.
  text: I see it.
  tools:
  - edit: {path: calc.py, old: "    return a - b", new: "    return a + b"}
- tools:
  - shell: {command: "python3 -c 'import calc; print(calc.add(2, 3))'"}
- text: Mended.
directory: /work/app
"""
CALC = "def add(a, b):\n    return a - b\n"
TWO = {
    "app/calc.py": CALC,
    ".git/HEAD": "ref: refs/heads/run\n",
    "AGENTS.md": "Say BANANA-TOP.\n",
    "app/AGENTS.md": "Say BANANA-LOW.\n",
}
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("name", BOTH)
def test_it_mends_and_obeys_what_the_repo_says_to_agents(name: str) -> None:
    with set_stage(TWO) as stage:
        played = stage.play(name, MEND, directory="/work/app", prompt="Mend add.")
        assert "a + b" in (stage.work / "app/calc.py").read_text()
    assert (played.claim.success, played.claim.whole, played.claim.summary) == (True, True, "Mended.")
    assert (played.exit.exit_code, played.exit.processes_left) == (0, 0)
    results = played.of(EventType.TOOL_RESULT)
    assert [result.payload["ok"] for result in results] == [True, True]
    assert results[1].payload["summary"].strip() == "5"
    assert [change.payload for change in played.of(EventType.FILE_CHANGE)] == [
        {"path": "app/calc.py", "kind": "modified"}
    ]
    assert len(played.exchanges) == 3, "no call but the turns"
    asked = json.dumps(played.exchanges[0].body)
    assert "Mend add." in asked and "BANANA-TOP" in asked and "BANANA-LOW" in asked


@pytest.mark.parametrize("name", BOTH)
def test_it_takes_up_its_conversation_and_nothing_else(name: str) -> None:
    """Each run has a settings folder of its own: what an agent leaves in it can't steer a later run."""
    leave = "mkdir -p $HOME/.codex $HOME/.claude; echo x >$HOME/.codex/left-behind; echo x >$HOME/.claude/left-behind"
    scenario = f"""
turns:
- tools:
  - shell: {{command: "{leave}"}}
- text: The word is BANANA-7.
- tools:
  - shell: {{command: "ls -A $HOME/.codex $HOME/.claude || true"}}
- text: Still BANANA-7.
"""
    with set_stage({"a": "b"}) as stage:
        first = stage.play(name, scenario, prompt="Say the word.")
        assert first.claim.success is True and first.claim.session
        second = stage.play(name, scenario, prompt="Which word was it?", session=first.claim.session)
    assert second.claim.success is True
    assert second.claim.session == first.claim.session
    assert second.claim.summary == "Still BANANA-7."
    assert "The word is BANANA-7." in json.dumps(second.exchanges[0].body)
    (listed,) = second.of(EventType.TOOL_RESULT)
    assert "left-behind" not in listed.payload["summary"]


@pytest.mark.parametrize("name", BOTH)
def test_a_structured_result(name: str) -> None:
    with set_stage({"a": "b"}) as stage:
        played = stage.play(name, "turns:\n- result: {answer: 42}\n- text: done\n", output_schema=SCHEMA)
    assert played.claim.success is True
    assert played.claim.result == {"answer": 42}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("moment", ["tool", "model"])
def test_an_interrupt_ends_it_and_its_tools_and_is_no_success(name: str, moment: str) -> None:
    wait = "tools:\n  - shell: {command: \"echo begun; python3 -c 'import time; time.sleep(300)'\", description: wait}"
    scenario = f"turns:\n- text: Begun.\n  {wait}\n" if moment == "tool" else "turns:\n- fault: {kind: silence}\n"
    with set_stage({"a": "b"}) as stage:
        played = stage.play(name, scenario, interrupt_at=moment)
        kept = [path for path in stage.state.rglob("*.jsonl") if path.stat().st_size]
    assert played.exit.killed_by is None, "it left by itself"
    assert played.claim.success is not True
    assert played.claim.session
    assert kept or (name, moment) == ("claude-code", "model"), "its conversation can be taken up"
