"""A small real HTTP server whose answers a test writes down, and that notes what it was asked."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API = "/api/v1/mogplex"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RUN_ID = "0192f3a4-5b6c-7d8e-9f00-112233445566"


def make_key(random_part: str = "k" * 40) -> str:
    """A key as the server makes it, by another road than the code under test."""
    number = zlib.crc32(f"mog_{random_part}".encode())
    return f"mog_{random_part}" + "".join(ALPHABET[number // 62**place % 62] for place in range(5, -1, -1))


KEY = make_key()
Cli = Callable[..., subprocess.CompletedProcess[str]]


class Request:
    """What the server was asked."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.path = parts.path.removeprefix(API)
        self.query = dict(parse_qsl(parts.query))
        self.query_pairs = parse_qsl(parts.query)
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        length = int(self.headers.get("content-length", 0))
        content = handler.rfile.read(length)
        self.body = json.loads(content) if content else None


class Answer:
    """One answer. `chunks` are sent one by one, with the pauses (seconds) among them; `cut` drops the connection."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        chunks: Iterable[bytes | float] | None = None,
        cut: bool = False,
        pause_seconds: float = 0.0,
    ) -> None:
        self.status = status
        self.body = body
        self.kind = kind
        self.headers = headers or {}
        self.chunks = chunks
        self.cut = cut
        self.pause_seconds = pause_seconds


Step = Answer | Callable[[Request], Answer]


def ok(data: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps({"ok": True, "data": data}).encode())


def refuse(status: int, code: str, message: str, details: Any = None, **headers: str) -> Answer:
    error = {"code": code, "message": message, "details": details or [], "requestId": "req_42"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps({"ok": False, "error": error}).encode(), headers=named)


def frame(event: dict[str, Any]) -> bytes:
    return f"id: {event['seq']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def sse(*parts: dict[str, Any] | bytes | float) -> Answer:
    """A stream of events, raw bytes and pauses, closed at its end without a word."""
    chunks = [frame(part) if isinstance(part, dict) else part for part in parts]
    return Answer(kind="text/event-stream", chunks=chunks)


def make_event(seq: int, kind: str = "log", message: str | None = "hello", **fields: Any) -> dict[str, Any]:
    base = {"id": f"{RUN_ID}.{seq}", "seq": seq, "type": kind, "toolName": None, "message": message, "payload": {}}
    return {**base, "createdAt": f"2026-01-02T03:04:{seq % 60:02d}.000Z", "attempt": 1, **fields}


def make_finished(seq: int, status: str = "success", outcome: str = "completed", **payload: Any) -> dict[str, Any]:
    said = {"status": status, "outcome": outcome, "verdict": "not_run", **payload}
    return make_event(seq, "finished", "the end", payload=said)


def make_run(status: str = "success", run_id: str = RUN_ID, **fields: Any) -> dict[str, Any]:
    outcomes = {"success": "completed", "failed": "harness_failed", "cancelled": "cancelled_by_caller"}
    return {
        "runId": run_id,
        "status": status,
        "outcome": outcomes.get(status),
        "verdict": "not_run",
        "repoId": "repo_1",
        "repo": {"id": "repo_1", "fullName": "acme/web"},
        "harness": "codex",
        "branch": {"base": "main", "working": "mogplex/run/1a2b3c4d-5e6f7a8b", "createBranch": True},
        "rootDirectory": None,
        "sandboxId": None,
        "eventsUrl": f"{API}/runs/{run_id}/events",
        "cancelUrl": f"{API}/runs/{run_id}/cancel",
        "createdAt": "2026-01-02T03:04:05.000Z",
        "updatedAt": "2026-01-02T03:05:05.000Z",
        "timing": {"startedAt": "2026-01-02T03:04:06.000Z", "totalMs": 60500},
        "title": "Fix it",
        "error": None,
        "lastSeq": 3,
        **fields,
    }


def page(events: list[dict[str, Any]], status: str = "streaming", **fields: Any) -> Answer:
    run = make_run(status, **{"lastSeq": None, **fields.pop("run", {})})
    after = events[-1]["seq"] if events else 0
    return ok({"run": run, "events": events, "nextAfter": after, "hasMore": False, **fields})


class ScriptedApi:
    """`script(method, path, step, …)` answers in that order and repeats the last; `requests` is what came."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._steps: dict[tuple[str, str], list[Step]] = {}
        self._lock = threading.Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                api.answer(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_one

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients leave when they like
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.closing = threading.Event()

    def script(self, method: str, path: str, *steps: Step) -> None:
        self._steps[method, path] = list(steps)

    def asked(self, method: str, path: str) -> list[Request]:
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        request = Request(handler)
        with self._lock:
            self.requests.append(request)
            steps = self._steps.get((request.method, request.path))
            step = None if not steps else steps.pop(0) if len(steps) > 1 else steps[0]
        if step is None:
            kind = request.path.split("/")[1].rstrip("s").capitalize()
            step = refuse(404, "NOT_FOUND", f"{kind} not found")
        self._send(handler, step if isinstance(step, Answer) else step(request))

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        self.closing.wait(answer.pause_seconds)
        handler.close_connection = True
        if answer.cut and answer.chunks is None:
            return
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.kind)
        handler.send_header("X-Request-Id", "req_head")
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.chunks is None:
            handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
            handler.wfile.write(answer.body)
            return
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        for chunk in answer.chunks:
            if isinstance(chunk, float):
                self.closing.wait(chunk)
            else:
                handler.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                handler.wfile.flush()
        if not answer.cut:
            handler.wfile.write(b"0\r\n\r\n")


def wait_until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """A guard against hanging, not a measurement."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
