"""A forge that speaks three dialects over HTTP: shapes and statuses as the real ones give them, state in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from mogplex.domain.forge import ForgeKind

TOKEN = "forge-token-0123456789"
API_PATHS = {ForgeKind.GITHUB: "/api/v3", ForgeKind.GITLAB: "/api/v4", ForgeKind.GITEA: "/api/v1"}
PROJECT = "acme/widgets"


@dataclass
class Fault:
    """Answered instead of the next request that `method` and a part of the path fit; `lost`: after it was done."""

    method: str
    part: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    lost: bool = False


@dataclass
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


Answer = tuple[int, Any]


class FakeForge:
    """`requests` are the pull or merge requests, in words of their own that each dialect translates."""

    def __init__(self, kind: ForgeKind) -> None:
        self.kind = kind
        self.tokens = {TOKEN}
        self.requests: list[dict[str, Any]] = []
        self.labels: dict[str, int] = {}
        self.comments: list[dict[str, Any]] = []
        self.check_runs: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.drafts_allowed = True
        self.is_app = False
        self.before_create: Callable[[], None] = lambda: None
        self.app: Callable[[Asked], Answer | None] = lambda asked: None
        self.lock = threading.RLock()
        self.url = ""

    @property
    def api_url(self) -> str:
        return self.url + API_PATHS[self.kind]

    def posts(self, part: str) -> list[Asked]:
        return [each for each in self.asked if each.method == "POST" and part in each.path]

    def add(self, branch: str, base: str = "main", **values: Any) -> dict[str, Any]:
        number = len(self.requests) + 1
        made = {"number": number, "branch": branch, "base": base, "title": "t", "body": "", "draft": False,
                "labels": [], "state": "open", "fork": False, **values}  # fmt: skip
        self.requests.append(made)
        return made

    def answer(self, asked: Asked) -> Answer:
        from tests.forges import dialects

        if (special := self.app(asked)) is not None:
            return special
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if token not in self.tokens or scheme.lower() not in ("bearer", "token"):
            return 401, {"message": "Bad credentials"}
        return dialects.SPEAK[self.kind](self, asked)

    def take_fault(self, asked: Asked) -> Fault | None:
        for each in self.faults:
            if each.method == asked.method and each.part in asked.path:
                self.faults.remove(each)
                return each
        return None


@contextmanager
def forge_server(kind: ForgeKind) -> Iterator[FakeForge]:
    forge = FakeForge(kind)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = unquote(parts.path.removeprefix(API_PATHS[forge.kind]))
            asked = Asked(self.command, path, query, headers, json.loads(raw) if raw else None)
            with forge.lock:
                forge.asked.append(asked)
                fault = forge.take_fault(asked)
                status, found = (fault.status, fault.body) if fault else forge.answer(asked)
                if fault and fault.lost:
                    forge.answer(asked)
            body = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            for name, value in (fault.headers if fault else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _serve

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
