"""A real server on a real port, with the real services on a database of its own, and a plain client for it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mogplex.api.app import create_app
from mogplex.api.server import Server, open_listener, url_of
from mogplex.api.services import HarnessInfo, Readiness, Services
from mogplex.domain.model import ModelInfo
from mogplex.domain.repo import Repo
from mogplex.service.limits import Limits
from mogplex.service.model_calls import ModelCalls
from mogplex.store.database import Database
from mogplex.wiring.mcp import make_mcp
from tests.house import MANY, House

BASE = "/api/v1/mogplex"
HANG_SECONDS = 20.0


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        assert self.json["ok"] is True, self.body
        return self.json["data"]

    @property
    def error(self) -> Any:
        assert self.json["ok"] is False, self.body
        return self.json["error"]

    def refused(self, status: int, code: str) -> str:
        """Checks the whole refusal; returns its message."""
        assert (self.status, self.error["code"]) == (status, code), self.body
        assert self.error["requestId"] == self.headers["x-request-id"]
        return str(self.error["message"])


def services_of(house: House, limits: Limits, **offers: Any) -> Services:
    """What a door needs, from the services of a test; `offers` are models, harnesses and readiness."""
    return Services(
        keys=house.keys,
        audit=house.audit,
        limits=limits,
        repos=house.repos,
        secrets=house.secrets,
        runs=house.runs,
        events=house.events,
        sandboxes=house.sandboxes,
        schedules=house.schedules,
        webhooks=house.webhooks,
        hooks=house.hooks,
        metrics=house.metrics,
        report=house.report,
        calls=ModelCalls(house.database),
        **offers,
    )


class Door:
    """The server and everything behind it. `key` is the admin's; requests a minute are unlimited unless said."""

    def __init__(self, database: Database, requests_per_minute: int = 1_000_000, **house_settings: Any) -> None:
        self.house = House(database, **house_settings)
        self.key = self.house.secret
        self.harnesses: list[HarnessInfo] = [HarnessInfo("repair", True, "1.0")]
        self.models: list[ModelInfo] = []
        self.ready: list[Readiness] = [Readiness("database", True, "reachable")]
        limits = Limits(database, requests_per_minute=requests_per_minute, starts=house_settings.get("starts", MANY))
        self.services = services_of(
            self.house,
            limits,
            models=lambda: self.models,
            harnesses=lambda: self.harnesses,
            readiness=lambda: self.ready,
        )
        self.app = create_app(self.services, version="0.0.0-test", neighbours=make_mcp(self.services))
        listener = open_listener("127.0.0.1", 0)
        parts = urlsplit(url_of(listener))
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.server = Server(self.app)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self._thread.start()

    def close(self) -> None:
        self.server.stop()
        self._thread.join(HANG_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"
        self.house.close()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=HANG_SECONDS)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        key: str | None = "",
        raw: bytes | None = None,
    ) -> Reply:
        """One request below `BASE` (or from the root, for a path with a host's slash twice). `key` None sends none."""
        sent = dict(headers or {})
        if key is not None:
            sent.setdefault("Authorization", f"Bearer {key or self.key}")
        content = raw
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        target = path[1:] if path.startswith("//") else BASE + path
        connection = self.connect()
        try:
            connection.request(method, target, content, sent)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, key: str | None = "") -> Reply:
        return self.send("GET", path, None, headers, key=key)

    def start(self, repo: Repo, idempotency_key: str = "k", *, key: str = "", **fields: Any) -> Reply:
        body = {"repoId": repo.id, "prompt": "Mend it", **fields}
        return self.send("POST", "/runs", body, {"Idempotency-Key": idempotency_key}, key=key)

    def tail(
        self, path: str, headers: Mapping[str, str] | None = None, *, key: str = "", buffer_bytes: int | None = None
    ) -> Tail:
        return Tail(self, path, {"Authorization": f"Bearer {key or self.key}", **(headers or {})}, buffer_bytes)

    def unsent_bytes(self) -> int:
        """What the server holds in memory for clients that have not taken it."""
        connections: Any = self.server.server_state.connections
        return max((each.transport.get_write_buffer_size() for each in list(connections)), default=0)


class Tail:
    """One open event stream, read frame by frame. `buffer_bytes` is what the system may keep unread of it."""

    def __init__(self, door: Door, path: str, headers: Mapping[str, str], buffer_bytes: int | None = None) -> None:
        self._socket = socket.socket()
        if buffer_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._socket.settimeout(HANG_SECONDS)
        self._socket.connect((door.host, door.port))
        lines = [f"GET {BASE}{path} HTTP/1.1", f"Host: {door.host}", *(f"{name}: {headers[name]}" for name in headers)]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.answer = http.client.HTTPResponse(self._socket, method="GET")
        self.answer.begin()
        self.status = self.answer.status

    def lines(self) -> Any:
        """Each line without its end, until the server closes."""
        while True:
            line = self.answer.readline()
            if not line:
                return
            yield line.decode().rstrip("\n")

    def events(self, most: int | None = None) -> list[dict[str, Any]]:
        """Events as they come: `most` of them, or until the server closes."""
        found: list[dict[str, Any]] = []
        number = None
        if most == 0:
            return found
        for line in self.lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                event = json.loads(line[6:])
                assert event["seq"] == number
                found.append(event)
                if len(found) == most:
                    return found
        return found

    def close(self) -> None:
        self.answer.close()
        self._socket.close()

    def __enter__(self) -> Tail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
