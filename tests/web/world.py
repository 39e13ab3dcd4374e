"""A real server with API and pages, and runs of every kind on it, as people would have left them."""

from __future__ import annotations

import threading
from typing import Any

from mogplex.api.app import create_app
from mogplex.api.server import Server, open_listener, url_of
from mogplex.api.services import HarnessInfo
from mogplex.domain.access import Origin
from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.ending import failure_of
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault, ModelCall
from mogplex.domain.repo import Repo
from mogplex.domain.run import Changes, Outcome, Run, Timing, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.usage import Usage
from mogplex.service.limits import Limits
from mogplex.service.web_sessions import WebSessions
from mogplex.store.database import Database
from mogplex.web.app import Pages
from mogplex.web.rooms import Rooms
from tests.api.door import services_of
from tests.house import House, ending

HOSTILE = (
    '<script>window.hacked = 1</script><img src=x onerror="window.hacked=2"> <hx-partial hx-target="body">"quoted" '
    "</hx-partial> \x1b[31mred\x1b[0m {{ 7*7 }} </pre></details><b hx-get=/keys hx-trigger=load>"
)
PATCH = b"""diff --git a/shop/orders.py b/shop/orders.py
index 1111111..2222222 100644
--- a/shop/orders.py
+++ b/shop/orders.py
@@ -1,7 +1,8 @@ import math
 def total(items):
     \"\"\"The sum of all prices, in cents.\"\"\"
-    result = 1  # wrong
+    result = 0
     for item in items:
-        result += item.price
+        result += item.price * item.count
+    # <script>window.hacked = 3</script>
     return result
@@ -20,2 +21,2 @@
-old = 1
+new = 2
diff --git a/README.md b/README.md
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/README.md
@@ -0,0 +1,2 @@
+# Shop
+Totals are right now.
"""


class World:
    """`url` is where the pages are. Close it at the end."""

    def __init__(self, database: Database, port: int = 0) -> None:
        self.house = House(database)
        self.key = self.house.secret
        self.weaknesses: list[str] = []  # of this server's own sandboxes
        services = services_of(
            self.house,
            Limits(database, requests_per_minute=1_000_000),
            models=list,
            harnesses=lambda: [
                HarnessInfo("repair", True, "1.0"),
                HarnessInfo("codex", False, None, "not installed", "pip install '.[codex]' in Mogplex's checkout"),
            ],
            readiness=list,
            weaknesses=lambda: self.weaknesses,
        )
        self.sessions = WebSessions(database, self.house.keys)
        self.pages = Pages(Rooms.of(services, self.sessions, "0.0.0-test"))
        app = create_app(services, version="0.0.0-test", pages=self.pages)
        listener = open_listener("127.0.0.1", port)
        self.url = url_of(listener)
        self.server = Server(app, on_stop=self.pages.close)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        self._numbers = iter(range(1_000_000))

    def close(self) -> None:
        self.server.stop()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"
        self.house.close()

    def secret(self, *scopes: str, repo_ids: list[str] | None = None, name: str = "viewer") -> str:
        return self.house.keys.create(self.house.admin, name=name, scopes=scopes, repo_ids=repo_ids)[1]

    def pages_token(self, secret: str) -> str:
        """Of a new session, without the limit on tries: each comes from somewhere else."""
        return self.sessions.sign_in(secret, Origin(f"test {next(self._numbers)}"))

    def cut_connections(self) -> None:
        """As a broken network does: nobody is told."""
        loop, state = self.server._loop, self.server.server_state
        assert loop is not None
        for connection in list(state.connections):
            loop.call_soon_threadsafe(getattr(connection, "transport").abort)  # noqa: B009 - of uvicorn's own protocol

    def start(self, repo: Repo, prompt: str = "Mend the totals of orders", **fields: Any) -> Run:
        return self.house.start(repo, f"k{next(self._numbers)}", prompt=prompt, **fields).run

    def claim(self, run: Run, **sandbox: Any) -> Run:
        """Taken by a worker, whose harness has begun; `sandbox` is told when it is ready."""
        claimed = self.house.claim(run)
        self.say(
            claimed,
            EventDraft(
                EventType.SANDBOX_READY,
                "sandbox ready",
                payload={"driver": "bubblewrap", "limits": {"memory": "cgroup"}, **sandbox},
            ),
            EventDraft(EventType.STREAM_STARTED, "repair 1.0", payload={"harness": "repair", "version": "1.0"}),
        )
        return claimed

    def say(self, run: Run, *drafts: EventDraft) -> None:
        assert self.house.attempts.record(run, drafts).result(20)

    def finish(self, run: Run, outcome: Outcome = Outcome.COMPLETED, **fields: Any) -> None:
        verdicts = {Outcome.COMPLETED: Verdict.VERIFIED, Outcome.CHECKS_FAILED: Verdict.FAILED}
        facts = SandboxFacts(
            driver=fields.pop("driver", "bubblewrap"),
            enforced={"memory": "cgroup", "processes": "cgroup"},
            cpu_seconds=3.2,
            peak_memory_bytes=210 << 20,
            processes_left=0,
            wall_seconds=4.5,
        )
        fields.setdefault("failure", failure_of(outcome))
        end = ending(outcome, verdicts.get(outcome, Verdict.NOT_RUN), **fields)
        assert self.house.attempts.finish(run, end, facts)

    def whole_run(self, repo: Repo, **fields: Any) -> Run:
        """A run that went well: two turns, tools, a check before and after, a patch."""
        run = self.claim(self.start(repo, **fields))
        self.say(
            run,
            reasoning("The test multiplies nothing, so the count must be missing from the sum."),
            said("I will look at the failing test first."),
            *tool("shell", "1", {"command": ["pytest", "-q", "tests/test_orders.py"]}, ok=False, summary="1 failed"),
            said("`total` starts at 1 and ignores the count. I change both."),
            *tool("edit", "2", {"path": "shop/orders.py", "old": "result = 1", "new": "result = 0"}, ok=True),
            *tool("shell", "3", {"command": ["pytest", "-q"]}, ok=True, summary="12 passed in 0.31s"),
            EventDraft(EventType.LOG, "collected 12 items", payload={"stream": "stderr"}),
            EventDraft(EventType.LOG, "12 passed", payload={"stream": "stderr"}),
            EventDraft(EventType.CHANGES, "2 files changed, +5 -2", payload={"files": 2}),
        )
        for number in range(6):
            usage = Usage(3_000 + number, 350, 8_500, 0, 60, model_calls=1)
            fault = CallFault.REFUSED if number == 2 else None
            facts = {"fault": fault, "http_status": 429 if fault else 200, "detail": "slow down" if fault else ""}
            call = ModelCall("anthropic", "claude-opus-5-5", ModelProtocol.MESSAGES, usage, 0.0071, 900, 210, **facts)
            assert self.house.attempts.record_call(run, call).result(20)
        self.check(run, CheckTarget.BASE, Verdict.FAILED, "E  assert 43 == 42\n1 failed, 11 passed in 0.4s")
        self.check(run, CheckTarget.PATCH, Verdict.VERIFIED, "............\n12 passed in 0.3s")
        assert self.house.attempts.save_patch(run, PATCH)
        self.finish(
            run,
            baseline=Verdict.FAILED,
            changes=Changes(2, 5, 2, "c" * 40, ("shop/orders.py", "README.md")),
            usage=Usage(tool_calls=3, tool_errors=1),
            timing=Timing(120, 340, 4100, 900, 5600),
        )
        return run

    def check(self, run: Run, target: CheckTarget, verdict: Verdict, output: str) -> None:
        passed = verdict is Verdict.VERIFIED
        code = 0 if passed else 1
        counts = (12, 0) if passed else (11, 1)
        record = CheckRecord("pytest -q", target, verdict, code, output, 420, *counts, "" if passed else "exit code 1")
        payload = {"command": "pytest -q", "target": target, "verdict": verdict}
        self.say(run, EventDraft(EventType.CHECK_STARTED, f"pytest -q on {target}", payload=payload))
        assert self.house.attempts.save_check(run, record)
        text = f"pytest -q on {target}: {'passed' if passed else 'exit code 1'}"
        self.say(run, EventDraft(EventType.CHECK_FINISHED, text, payload=payload))

    def long_run(self, repo: Repo, events: int) -> Run:
        """A run with so many events, which has ended."""
        run = self.claim(self.start(repo, "Go over every file"))
        drafts: list[EventDraft] = []
        for number in range(events // 4):
            drafts += [said(f"Looking at file {number}."), EventDraft(EventType.LOG, f"line {number}")]
            drafts += tool("shell", str(number), {"command": f"cat file{number}"}, ok=number % 9 > 0, summary="x" * 200)
        for place in range(0, len(drafts), 1000):
            self.say(run, *drafts[place : place + 1000])
        self.finish(run, usage=Usage(tool_calls=events // 4))
        return run


def said(text: str) -> EventDraft:
    return EventDraft(EventType.ASSISTANT_MESSAGE, text, payload={"text": text})


def reasoning(text: str) -> EventDraft:
    return EventDraft(EventType.REASONING, text, payload={"text": text})


def tool(name: str, call_id: str, arguments: Any, *, ok: bool | None, summary: str = "done") -> list[EventDraft]:
    """A call and its result; without `ok` the result is yet to come."""
    call = EventDraft(EventType.TOOL_CALL, name, name, {"callId": call_id, "arguments": arguments})
    if ok is None:
        return [call]
    told = {"callId": call_id, "ok": ok, "exitCode": 0 if ok else 1, "summary": summary, "durationMs": 210}
    return [call, EventDraft(EventType.TOOL_RESULT, summary, name, told)]
