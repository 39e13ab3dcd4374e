"""`/metrics`: true numbers, all documented, in a format that Prometheus' own parser reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from mogplex.domain.run import Outcome, Timing
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.usage import Usage
from tests.api.door import Door
from tests.house import ending

ROOT = Path(__file__).parents[2]


def scrape(door: Door) -> dict[tuple[str, str], float]:
    """(name, labels) → value."""
    reply = door.get("//metrics", key=None)
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def test_totals_and_what_is_going_on(door: Door) -> None:
    repo = door.house.add_repo()
    for key, outcome in (("a", Outcome.COMPLETED), ("b", Outcome.COMPLETED), ("c", Outcome.CHECKS_FAILED)):
        run = door.house.claim(door.house.start(repo, key).run)
        timing = Timing(preparing_ms=500, running_ms=1500)
        ended = ending(outcome, usage=Usage(tool_calls=3, tool_errors=1), timing=timing)
        assert door.house.attempts.finish(run, ended, SandboxFacts())
    door.house.start(repo, "waiting")
    door.house.start(repo, "a")  # a repetition
    door.house.claim(door.house.start(repo, "running", workingBranch="other", createBranch=True).run)
    door.house.register("w1")
    found = scrape(door)
    assert found["mogplex_runs_finished_total", "harness=repair,outcome=completed,status=success"] == 2
    assert found["mogplex_runs_finished_total", "harness=repair,outcome=checks_failed,status=failed"] == 1
    assert found["mogplex_run_phase_seconds_total", "harness=repair,phase=running"] == 4.5
    assert found["mogplex_tool_calls_total", "harness=repair"] == 9
    assert found["mogplex_tool_errors_total", "harness=repair"] == 3
    assert found["mogplex_cost_usd_total", "harness=repair"] == 0
    assert found["mogplex_runs_active", "status=pending"] == 1
    assert found["mogplex_runs_active", "status=streaming"] == 1
    assert found["mogplex_slots", "state=busy"] + found["mogplex_slots", "state=free"] == 2
    assert found["mogplex_starts_without_run_total", "kind=suppressed"] == 1
    assert found["mogplex_queue_oldest_wait_seconds", ""] >= 0
    assert "acme" not in door.get("//metrics", key=None).body.decode()


def test_every_metric_is_documented_and_used_ones_exist(door: Door) -> None:
    repo = door.house.add_repo()
    door.house.attempts.finish(door.house.claim(door.house.start(repo).run), ending(), SandboxFacts())
    door.house.start(repo)
    served = {name for name, _ in scrape(door) if name.startswith("mogplex")}
    page = (ROOT / "docs" / "metrics.md").read_text()
    table = page[page.index("| metric |") : page.index("Beside them")]
    assert set(re.findall(r"`(mogplex_\w+)`", table)) == served
    monitoring = ROOT / "examples" / "monitoring"
    json.loads((monitoring / "grafana-dashboard.json").read_text())
    for example in monitoring.iterdir():
        used = set(re.findall(r"\bmogplex_[a-z_]+", example.read_text()))
        assert used and used <= served, example.name


def test_a_database_that_is_away_is_503_and_no_zeros(door: Door) -> None:
    assert door.house.database.path is not None
    door.house.database.path.rename(door.house.database.path.with_suffix(".away"))
    door.get("//metrics", key=None).refused(503, "SERVICE_UNAVAILABLE")
