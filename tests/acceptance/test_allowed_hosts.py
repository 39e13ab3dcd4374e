"""A repo with allowed hosts: its runs and checks reach those and no others, and the record says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful

MIRROR = "127.0.0.2"  # plays a mirror in the operator's own network


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    own = House(MOGPLEX_EGRESS_NETWORKS=f"{MIRROR}/32")
    try:
        yield own.start()
    finally:
        own.close()


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    server = ThreadingHTTPServer((MIRROR, 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{MIRROR}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fetch(url: str) -> str:
    """A command that succeeds when `url` answers 200."""
    return f"python3 -c \"import urllib.request as r; print(r.urlopen('{url}', timeout=20).read())\""


def test_only_allowed_hosts_are_reached_and_the_rest_is_told(house: House, mirror: str) -> None:
    repo = house.add_repo("demo/egress", allowHosts=[mirror, "127.0.0.1:1"])
    script = f"{fetch(f'http://{mirror}/')} > got.txt || exit 7\n"
    script += f"{fetch('http://other.test/')} && exit 8\n{fetch('http://127.0.0.1:1/')} && exit 9\n{SUCCESS}"
    run = house.run_script(repo["id"], script, checks=[f"{fetch(f'http://{mirror}/')} && cat g* | grep -q hello"])
    house.wait(run["runId"])
    ended = assert_truthful(house, run["runId"])
    assert (ended["status"], ended["outcome"], ended["verdict"]) == ("success", "completed", "verified"), ended["error"]
    payloads = [event["payload"] for event in house.events(run["runId"]) if event["type"] == "log"]
    told = [payload for payload in payloads if payload["stream"] == "egress"]
    *refusals, total = told
    assert [(refusal["host"], refusal["port"]) for refusal in refusals] == [("other.test", 80)], told
    assert "not on the repo's list" in refusals[0]["reason"]
    assert total["refusals"] == 1
    assert total["hosts"][MIRROR]["receivedBytes"] > 5
    assert house.left_processes() == []


def test_the_services_own_port_is_out_of_reach_even_when_listed(house: House) -> None:
    own = f"{house.url.removeprefix('http://')}"
    repo = house.add_repo("demo/egress-own", allowHosts=[own])
    # urllib would heed no_proxy: speak to the proxy oneself, as a hostile program would.
    ask = (
        "import socket; s = socket.create_connection(('127.0.0.1', 3128));"
        f" s.sendall(b'GET http://{own}/ HTTP/1.1\\r\\nHost: {own}\\r\\n\\r\\n'); print(s.recv(1000).decode())"
    )
    run = house.run_script(repo["id"], f'python3 -c "{ask}"\n{SUCCESS}')
    house.wait(run["runId"])
    logs = [event for event in house.events(run["runId"]) if event["type"] == "log"]
    assert any("a loopback address" in str(event["payload"].get("reason")) for event in logs), logs
    assert not any("HTTP/1.1 200" in (event["message"] or "") for event in logs)


def test_without_allowed_hosts_there_is_no_listener(house: House) -> None:
    repo = house.add_repo("demo/no-egress")
    probe = "import socket; s = socket.socket(); raise SystemExit(s.connect_ex(('127.0.0.1', 3128)) != 111)"
    run = house.run_script(repo["id"], f'python3 -c "{probe}" || exit 7\ntest -z "$http_proxy" || exit 8\n{SUCCESS}')
    ended = house.wait(run["runId"])
    assert ended["outcome"] == "no_changes", ended
    streams = [event["payload"].get("stream") for event in house.events(run["runId"])]
    assert "egress" not in streams
