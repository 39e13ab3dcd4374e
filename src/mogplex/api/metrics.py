"""`/metrics`: the numbers in Prometheus' text format. docs/metrics.md lists them; a test holds the two together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, GC_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from mogplex.service.metrics import Numbers

_RUN = ["harness", "status", "outcome"]
_PHASES = {"queued": "queued_ms", "preparing": "preparing_ms", "running": "running_ms", "checking": "checking_ms"}
_CLASSES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
}


class Exposition:
    """The numbers are read anew for each scrape: every server on one database shows the same ones, so scrape one."""

    def __init__(self, read: Callable[[], Numbers], version: str) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_NumbersCollector(read, version))
        self._registry.register(PROCESS_COLLECTOR)
        self._registry.register(GC_COLLECTOR)

    async def answer(self, _: Request) -> Response:
        text = await to_thread.run_sync(generate_latest, self._registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


class _NumbersCollector(Collector):
    def __init__(self, read: Callable[[], Numbers], version: str) -> None:
        self._read = read
        self._version = version

    def describe(self) -> Iterable[Metric]:
        return ()  # else the registry would scrape once when the server is made

    def collect(self) -> Iterator[Metric]:
        numbers = self._read()
        yield InfoMetricFamily("mogplex", "The version that answers.", {"version": self._version})
        yield from _ended(numbers)
        yield from _now(numbers)


def _ended(numbers: Numbers) -> Iterator[Metric]:
    runs = CounterMetricFamily("mogplex_runs_finished", "Runs that have ended.", labels=_RUN)
    seconds = CounterMetricFamily(
        "mogplex_run_phase_seconds", "Time that ended runs spent in each phase.", labels=["harness", "phase"]
    )
    tokens = CounterMetricFamily("mogplex_tokens", "Tokens of model calls of ended runs.", labels=["harness", "class"])
    cost = CounterMetricFamily("mogplex_cost_usd", "What ended runs cost, an estimate.", labels=["harness"])
    unknown = CounterMetricFamily("mogplex_runs_cost_unknown", "Ended runs of unknown cost.", labels=["harness"])
    models = CounterMetricFamily("mogplex_model_calls", "Model calls of ended runs.", labels=["harness"])
    uses = CounterMetricFamily("mogplex_tool_calls", "Tool calls of ended runs.", labels=["harness"])
    errors = CounterMetricFamily("mogplex_tool_errors", "Tool calls of ended runs that failed.", labels=["harness"])
    for row in numbers.ended:
        runs.add_metric([str(row[name]) for name in _RUN], row["runs"])
    for harness, total in _by_harness(numbers).items():
        for phase, column in _PHASES.items():
            seconds.add_metric([harness, phase], total[column] / 1000)
        for kind, column in _CLASSES.items():
            tokens.add_metric([harness, kind], total[column])
        for family, column in (
            (cost, "cost_usd"),
            (unknown, "cost_unknown"),
            (models, "model_calls"),
            (uses, "tool_calls"),
            (errors, "tool_errors"),
        ):
            family.add_metric([harness], total[column])
    yield from (runs, seconds, tokens, cost, unknown, models, uses, errors)


def _by_harness(numbers: Numbers) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for row in numbers.ended:
        sums = found.setdefault(str(row["harness"]), Counter())
        sums.update({name: value for name, value in row.items() if name not in _RUN})
    return found


def _now(numbers: Numbers) -> Iterator[Metric]:
    starts = CounterMetricFamily("mogplex_starts_without_run", "Starts that made no run.", labels=["kind"])
    for kind, count in numbers.starts.items():
        starts.add_metric([kind], count)
    yield starts
    active = GaugeMetricFamily("mogplex_runs_active", "Runs that wait or run now.", labels=["status"])
    active.add_metric(["pending"], numbers.pending)
    active.add_metric(["streaming"], numbers.streaming)
    yield active
    slots = GaugeMetricFamily("mogplex_slots", "Slots of workers that are alive.", labels=["state"])
    slots.add_metric(["busy"], numbers.busy)
    slots.add_metric(["free"], numbers.free)
    yield slots
    depth = GaugeMetricFamily("mogplex_queue_depth", "Runs that wait for a slot.", labels=["needs"])
    for needs, count in numbers.waiting.items():
        depth.add_metric([needs], count)
    yield depth
    for name, text, value in (
        (
            "mogplex_queue_oldest_wait_seconds",
            "How long the oldest pending run has waited.",
            numbers.oldest_wait_seconds,
        ),
        ("mogplex_workers", "Workers that are alive.", numbers.workers),
        ("mogplex_schedule_alarms", "Schedules that want to be looked at.", numbers.schedule_alarms),
        (
            "mogplex_webhook_deliveries_pending",
            "Webhook messages yet to be taken.",
            numbers.webhooks_pending,
        ),
        ("mogplex_webhook_deliveries_failed", "Webhook messages that were given up.", numbers.webhooks_failed),
    ):
        yield GaugeMetricFamily(name, text, value=value or 0)
