"""`mode: repair-first`: the model's harness is asked only for what can't be mended without one."""

from __future__ import annotations

from tests.acceptance.house import SUCCESS, House, assert_truthful, git, say

HOPELESS = {
    "secret.py": "def answer(question):\n    return len(question)\n",
    "test_secret.py": "from secret import answer\ndef test_it(): assert answer('life') == 'forty-two, as you know'\n",
}


def harnesses(house: House, run_id: str) -> list[str]:
    return [event["payload"]["harness"] for event in house.events(run_id) if event["type"] == "stream_started"]


def test_what_repair_can_mend_is_never_asked_of_the_harness(house: House) -> None:
    repo = house.add_repo("demo/first", checks=["python -m pytest -q"])
    run = house.run_script(repo["id"], say({"type": "end", "success": False, "error": "asked"}), mode="repair-first")
    ended = house.wait(run["runId"], 90)
    assert (ended["outcome"], ended["verdict"]) == ("completed", "verified")
    nothing = {"modelCalls": 0, "costUsd": 0.0, "savedUsd": None, "comparedRuns": 0}
    assert ended["result"]["firstTry"] == {"harness": "repair", "fixed": True, **nothing}
    assert ended["usage"]["modelCalls"] == 0
    assert harnesses(house, run["runId"]) == ["repair"]
    assert "return high" in git(house.folder("demo/first"), "show", f"{ended['branch']['working']}:clamp.py")
    assert_truthful(house, run["runId"])


def test_the_harness_gets_a_clean_checkout_and_is_told_what_was_found_out(house: House) -> None:
    repo = house.add_repo("demo/second", {**HOPELESS, "conftest.py": "open('left-behind', 'w').close()\n"})
    script = f"{SUCCESS}\nls > listed\ncat > told <<'END'"  # what is added to the prompt ends up in the file
    run = house.run_script(repo["id"], script, mode="repair-first", timeoutSeconds=100)
    ended = house.wait(run["runId"], 120)
    assert ended["outcome"] == "completed"
    assert harnesses(house, run["runId"]) == ["repair", "scripted"]
    shown = [
        git(house.folder("demo/second"), "show", f"{ended['branch']['working']}:{name}") for name in ("told", "listed")
    ]
    assert "test_secret.py::test_it" in shown[0] and "secret.py:2" in shown[0]
    assert "left-behind" not in shown[1].split()
    assert_truthful(house, run["runId"])
