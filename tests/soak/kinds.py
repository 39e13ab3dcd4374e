"""What the runs of a storm do, and what the scripted models say to those that ask one."""

from __future__ import annotations

from typing import Any

from tests.acceptance.house import SUCCESS, say

CHECK = "python -m pytest -q"
EDIT = "printf 'def clamp(v, low, high):\\n    return max(low, min(v, high))\\n' > clamp.py"
MARK = "echo $$ > mark.txt"
SAID = say({"type": "message", "text": "at it"})
FAILURE = say({"type": "end", "success": False, "summary": "gave up", "session": "talk"})
GOOD = f"{EDIT}\n{SUCCESS}"
# What a run does -> script, fields of the start. A storm kills any process: without `|| exit 3` a script whose `sleep`
# was killed would go on, and truthfully succeed in less time than it was meant to take.
SCRIPTED: dict[str, tuple[str, dict[str, Any]]] = {
    "good": (GOOD, {"checks": [CHECK]}),
    "slow": (f"{EDIT}\n{SAID}\nsleep 2 || exit 3\n{SUCCESS}", {"checks": [CHECK]}),
    "unchecked": (f"{MARK}\n{SUCCESS}", {}),
    "lying": (f"{MARK}\n{SUCCESS}", {"checks": [CHECK]}),
    "failing": (f"{MARK}\n{FAILURE}", {"deliverPartial": True}),
    "dying": (f"{MARK}\n{SAID}\nkill -9 $$", {}),
    "silent": (MARK, {}),
    "late": (f"{MARK}\n{SAID}\nsleep 60 || exit 3\n{SUCCESS}", {"timeoutSeconds": 4}),
    "flooding": ("yes all is well | head -c 5000000; echo\n" + SUCCESS, {}),
    "filling": (f"{SAID}\nhead -c 300000000 /dev/zero > big; sleep 30 || exit 3\n{SUCCESS}", {}),
    "spending": (
        "i=0; while [ $i -lt 30 ]; do " + say({"type": "tool_call", "id": "1", "name": "sh", "arguments": {}})
        + f"; i=$((i+1)); done; sleep 20 || exit 3\n{SUCCESS}",
        {"budget": {"toolCalls": 5}},
    ),
    "daemons": (f"{MARK}\nfor i in 1 2 3; do (setsid sleep 300 &); done\n{SUCCESS}", {}),
    "cancelled": (f"{MARK}\n{SAID}\nsleep 60 || exit 3\n{SUCCESS}", {}),
    "contest": (GOOD, {"checks": [CHECK], "attempts": 2}),
    "rivals": (GOOD, {"checks": [CHECK], "attempts": 2, "attemptsMode": "side-by-side"}),
    "lying contest": (f"{MARK}\n{SUCCESS}", {"checks": [CHECK], "attempts": 2}),
}  # fmt: skip

_MEND = """
- tools: [{shell: {command: "printf 'def clamp(v, low, high):\\\\n    return max(low, min(v, high))\\\\n' > clamp.py"}}]
- text: Mended.
"""
# Name of the provider -> its scenario. A fault comes when the work is half done, once or for good.
SCENARIOS = {
    "model": f"turns:{_MEND}",
    "model-500-once": f"turns:{_MEND}  fault: {{status: 500, times: 1}}\n",
    "model-cut-once": f"turns:{_MEND}  fault: {{kind: cut, times: 1}}\n",
    "model-500": f"turns:{_MEND}  fault: 500\n",
    "model-stall": f"turns:{_MEND}  fault: stall\n",
    "model-cut": f"turns:{_MEND}  fault: cut\n",
    "model-reset": "turns:\n- fault: reset\n",
}
# All of them mend the bug before the model fails, and none may succeed: the work is kept, and the status is the truth.
BROKEN_MODELS = {"model-500", "model-stall", "model-cut", "model-reset"}

KINDS: dict[str, dict[str, Any]] = {
    **{kind: {"harness": "scripted", "prompt": script, **fields} for kind, (script, fields) in SCRIPTED.items()},
    **{
        kind: {"harness": "builtin", "prompt": "Mend it.", "model": f"{kind}/gpt-5.5", "checks": [CHECK]}
        for kind in SCENARIOS
    },
}
MAY_SUCCEED = {"good", "slow", "unchecked", "flooding", "daemons", "contest", "rivals"} | set(SCENARIOS) - BROKEN_MODELS
