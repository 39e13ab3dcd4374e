"""Sends traces where the usual OTEL_* variables say. Without them nothing is imported and nothing is done."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mogplex.domain.errors import BadRequest, MogplexError
from mogplex.domain.event import Event
from mogplex.domain.run import Run
from mogplex.domain.traceparent import parse_traceparent, span_id_of, trace_id_of
from mogplex.traces.spans import Span, trace_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MAX_WAITING = 1000
_log = logging.getLogger(__name__)
Load = Callable[[str], tuple[Run, Iterable[Event], str | None]]


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether traces are to be sent anywhere."""
    off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    return not off and any(environment.get(name) for name in ENDPOINTS)


class TraceExporter:
    """A thread that turns ended runs into traces. A collector that is away costs the runs nothing."""

    def __init__(self, load: Load, version: str) -> None:
        """`load(run_id)` gives the run, its events in order, and the traceparent it was started with. Raises BadRequest
        when the SDK is not installed."""
        self._load = load
        self._ids = _Ids()
        self._provider = _make_provider(self._ids, version)
        self._tracer = self._provider.get_tracer("mogplex", version)
        self._waiting: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="mogplex-traces", daemon=True)
        self._thread.start()

    def export(self, run_id: str) -> None:
        """Soon; at once it is only noted."""
        try:
            self._waiting.put_nowait(run_id)
        except queue.Full:
            _log.warning("traces: the trace of %s is left out: %d wait already", run_id, MAX_WAITING)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        self._waiting.put(None)
        self._thread.join(timeout=5)
        self._provider.shutdown()

    def _work(self) -> None:
        while (run_id := self._waiting.get()) is not None:
            try:
                run, events, given = self._load(run_id)
                if run.status.is_terminal:  # else its worker lost it, and another one will tell
                    self._emit_run(trace_of(run, events), run_id, given)
            except MogplexError as fault:
                _log.warning("traces: the trace of %s could not be made: %s", run_id, fault.message)
            except Exception:  # noqa: BLE001 - a trace is worth no run, and the next one may be fine
                _log.exception("traces: the trace of %s could not be made", run_id)

    def _emit_run(self, span: Span, run_id: str, given: str | None) -> None:
        from opentelemetry import trace

        context = None
        parent = parse_traceparent(given)
        if parent is not None:
            theirs = trace.SpanContext(*parent, is_remote=True, trace_flags=trace.TraceFlags(1))
            context = trace.set_span_in_context(trace.NonRecordingSpan(theirs))
        self._ids.next_trace_id, self._ids.next_span_id = trace_id_of(run_id), span_id_of(run_id)
        self._emit(span, context)

    def _emit(self, span: Span, context: Any) -> None:
        from opentelemetry import trace

        made = self._tracer.start_span(
            span.name, context, attributes=span.attributes, start_time=_nanoseconds(span.start)
        )
        if span.error is not None:
            made.set_attribute("error.type", span.error)
            made.set_status(trace.StatusCode.ERROR, span.error)
        below = trace.set_span_in_context(made, context)
        for child in span.children:
            self._emit(child, below)
        made.end(_nanoseconds(max(span.end, span.start)))


class _Ids:
    """Random ids, but for the run's own span, whose id is known while it runs. Used by one thread."""

    def __init__(self) -> None:
        self.next_trace_id: int | None = None
        self.next_span_id: int | None = None

    def generate_trace_id(self) -> int:
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        chosen, self.next_trace_id = self.next_trace_id, None
        return chosen or RandomIdGenerator().generate_trace_id()

    def generate_span_id(self) -> int:
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        chosen, self.next_span_id = self.next_span_id, None
        return chosen or RandomIdGenerator().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return True


def _make_provider(ids: _Ids, version: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as fault:
        raise BadRequest(
            f"{' or '.join(ENDPOINTS)} is set, but OpenTelemetry is not installed: "
            "pip install '.[otel]' in Mogplex's checkout, or unset it."
        ) from fault
    resource = Resource.create({"service.name": "mogplex", "service.version": version})  # OTEL_SERVICE_NAME wins
    # `ids` has the generator's methods; its class is not loaded where there are no traces.
    provider = TracerProvider(resource=resource, id_generator=ids)  # type: ignore[arg-type]
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1_000_000_000)
