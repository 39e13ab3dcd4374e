"""`mogplex top` and the log of a process that stays."""

from __future__ import annotations

import json
import logging
import sys

from mogplex.cli.log_format import JsonFormatter
from tests.cli.scripted_api import Cli, ScriptedApi, ok

PRESSURE = {
    "slots": {"total": 4, "busy": 1, "free": 3},
    "workers": [{"id": "w1", "host": "h", "busy": 1, "slots": 4, "version": "1.0"}],
    "queue": {"depth": 1, "oldestWaitSeconds": 90.0, "estimatedWaitSeconds": 1.0},
    "limits": {},
}
RUN = {"repo": {"fullName": "acme/web"}, "harness": "repair", "title": "Mend\x1b[31m it", "costUsd": 0.5, "timing": {}}
RUNS = [
    {**RUN, "runId": "run_aaaaaaaaaaaa", "status": "streaming", "outcome": None},
    {**RUN, "runId": "run_bbbbbbbbbbbb", "status": "pending", "outcome": None},
    {**RUN, "runId": "run_cccccccccccc", "status": "failed", "outcome": "checks_failed", "timing": {"totalMs": 65000}},
]


def test_top_shows_what_runs_what_waits_and_what_ended(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/observability/pressure", ok(PRESSURE))
    api.script("GET", "/runs", ok({"runs": RUNS[:1]}), ok({"runs": RUNS}))
    told = cli("top").stdout
    for text in ("1 of 4 busy", "1 waiting, the oldest for 1m30s", "w1", "checks_failed", "1m05s", "$0.50", "acme/web"):
        assert text in told, told
    assert "\x1b" not in told
    assert json.loads(cli("top", "--json").stdout)["pressure"] == PRESSURE


def test_json_logs_name_what_a_message_is_about() -> None:
    run_id, request_id = "run_" + "a" * 24, "req_" + "b" * 24
    record = logging.LogRecord(
        "mogplex.x", logging.WARNING, "f", 1, "%s attempt %d of %s", (request_id, 2, run_id), None
    )
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["logger"]) == ("warning", "mogplex.x")
    assert (line["runId"], line["requestId"], line["attempt"]) == (run_id, request_id, 2)
    try:
        raise ValueError("broken")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "ValueError: broken" in json.loads(JsonFormatter().format(record))["traceback"]
