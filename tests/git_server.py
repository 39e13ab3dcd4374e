"""A git remote over HTTP that asks for a user and a token: git's own http-backend behind the smallest of servers."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Remote:
    """Serves every repo below `root` for reading and pushing. `seen`: the Authorization headers that came."""

    def __init__(self, root: Path, pair: str) -> None:
        self.root = root
        self.wanted = "Basic " + base64.b64encode(pair.encode()).decode()
        self.seen: list[str | None] = []
        remote = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                remote.answer(self)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        given = request.headers.get("Authorization")
        self.seen.append(given)
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length) if length else _read_chunks(request)
        if given != self.wanted:
            request.send_response(401)
            request.send_header("WWW-Authenticate", "Basic")
            request.end_headers()
            return
        path, _, query = request.path.partition("?")
        said = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "http.receivepack=true", "http-backend"],
            input=body,
            stdout=subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": request.command,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "somebody",
            },
            check=False,
        ).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        status = next((line.split(": ")[1].split()[0] for line in lines if line.startswith("Status:")), "200")
        request.send_response(int(status))
        for line in lines:
            name, _, value = line.partition(": ")
            if name and name != "Status":
                request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)


def _read_chunks(request: http.server.BaseHTTPRequestHandler) -> bytes:
    body = b""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return body
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


@contextmanager
def serving(root: Path, pair: str) -> Iterator[Remote]:
    remote = Remote(root, pair)
    thread = threading.Thread(target=remote.server.serve_forever)
    thread.start()
    try:
        yield remote
    finally:
        remote.server.shutdown()
        thread.join()
        remote.server.server_close()
