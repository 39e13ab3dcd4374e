"""A server that sends traces to a real collector of ours, over real OTLP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mogplex.client.transport import Transport
from mogplex.client.wire import Address
from mogplex.domain.traceparent import span_id_of
from tests.acceptance.house import House, say

proto = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="pip install '.[otel]' in Mogplex's checkout"
)
GIVEN = f"00-{'ab' * 16}-{'cd' * 8}-01"
SCRIPT = "\n".join(
    [
        say({"type": "tool_call", "id": "1", "name": "shell", "arguments": {}}),
        say({"type": "tool_result", "id": "1", "name": "shell", "ok": True}),
        'echo "{\\"type\\": \\"end\\", \\"success\\": true, \\"summary\\": \\"$TRACEPARENT\\"}"',
    ]
)


class Collector:
    def __init__(self) -> None:
        self.spans: list[object] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = proto.ExportTraceServiceRequest.FromString(
                    self.rfile.read(int(self.headers["Content-Length"]))
                )
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        outer.spans += scope.spans
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: a test's output is its own."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    opened = Collector()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


def test_a_run_becomes_a_part_of_the_caller_s_trace(collector: Collector) -> None:
    url = f"http://127.0.0.1:{collector.server.server_port}"
    house = House(fresh=True, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_SCHEDULE_DELAY="100")
    try:
        house.start()
        repo = house.add_repo(checks=["true"])
        body = {"repoId": repo["id"], "prompt": SCRIPT, "harness": "scripted", "createBranch": True}
        headers = {"Idempotency-Key": "traced", "traceparent": GIVEN}
        transport = Transport(Address(house.url, house.api_key), 30.0)
        run_id = transport.request("POST", "/runs", body=body, headers=headers).read_data()["runId"]
        run = house.wait(run_id)
        assert run["status"] == "success", run["error"]
        house.until(lambda: any(each.name.startswith("invoke_agent") for each in collector.spans), 30, "the run's span")
        spans = {each.name: each for each in collector.spans}
        whole = spans["invoke_agent scripted"]
        assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == ("ab" * 16, "cd" * 8)
        assert int(whole.span_id.hex(), 16) == span_id_of(run_id)
        assert spans["attempt 1"].parent_span_id == whole.span_id
        assert spans["execute_tool shell"].parent_span_id == spans["attempt 1"].span_id
        assert {each.trace_id.hex() for each in collector.spans} == {"ab" * 16}
        finished = house.events(run_id)[-1]
        assert finished["payload"]["summary"] == f"00-{'ab' * 16}-{whole.span_id.hex()}-01", "the harness was told"
    finally:
        house.close()
