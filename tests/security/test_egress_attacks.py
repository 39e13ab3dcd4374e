"""What a hostile program tries with the proxy that its repo's allowed hosts give it, from inside a real sandbox."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.errors import SandboxError
from mogplex.domain.event import EventDraft
from mogplex.domain.ports import Limits, SandboxSpec
from mogplex.egress.address import Reach
from mogplex.egress.authority import Authority
from mogplex.egress.proxy import ProxyLimits
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.sandboxes.watchdog import DiskRules
from mogplex.worker.egress import MAX_REFUSAL_EVENTS, Egress

INSIDE = Path(__file__).with_name("egress_inside.py").read_text()
PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"  # the first plays a public address: the test permits it
OUTSIDE = "198.51.100.7"


class Names:
    """A resolver that answers what the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Sequence[str]] = {
            "good.test": [PUBLIC],
            "a.wild.test": [PUBLIC],
            "loop.test": [PRIVATE],
            "localhost": [PRIVATE],
            "ten.test": ["10.0.0.5"],
            "meta.test": ["169.254.169.254"],
            "mapped.test": ["::ffff:127.0.0.1"],
            "mixed.test": ["10.0.0.5", PUBLIC],
        }

    async def resolve(self, authority: Authority) -> Sequence[str]:
        self.asked.append(authority.host)
        if authority.host == "rebind.test":
            return [PUBLIC] if self.asked.count("rebind.test") == 1 else [PRIVATE]
        if authority.host not in self.answers:
            raise OSError("unknown name")
        return self.answers[authority.host]


class Host:
    """A small HTTP server at the public and, with a secret, at the private address."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        for address in (PUBLIC, PRIVATE):
            server = await asyncio.start_server(lambda r, w, a=address: self._answer(a, r, w), address, self.port)
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _answer(self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append((address, head))
        body = b"public" if address == PUBLIC else b"SECRET"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    async def close(self) -> None:
        for server in self._servers:
            server.close()


def list_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def take(stream: Any) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def run(driver: BubblewrapDriver, egress: Egress, *argv: str) -> tuple[int | None, bytes, bytes]:
    spec = SandboxSpec("egress", argv, directory="/", limits=Limits(wall_seconds=60))
    process = await driver.start(egress.equip(spec))
    egress.serve(process)
    try:
        out, err, end = await asyncio.gather(take(process.stdout), take(process.stderr), process.wait())
    finally:
        process.kill()
    return end.exit_code, out, err


async def play() -> dict[str, Any]:
    """All attacks in one sandbox."""
    names, host, told = Names(), Host(), list[EventDraft]()

    async def tell(draft: EventDraft) -> None:
        told.append(draft)

    driver = BubblewrapDriver(disk_rules=DiskRules(free_bytes=0))
    assert (await driver.probe()).ok  # and whatever it keeps open is open now
    await asyncio.sleep(0)
    before = list_descriptors()
    await host.open()
    allowed = [f"{name}.test:{host.port}" for name in (*names.answers, "good", "rebind", "nowhere", "*.wild")]
    allowed = [name.replace(".test.test", ".test") for name in allowed]
    allowed += [f"127.0.0.1:{host.port}", f"localhost:{host.port}", f"2130706433:{host.port}"]
    reach = Reach(names.resolve, permitted=(ip_network(f"{PUBLIC}/32"),))
    async with Egress(allowed, tell, driver, reach, ProxyLimits(head_seconds=1.0)) as egress:
        code, out, err = await run(driver, egress, "/usr/bin/python3", "-c", INSIDE, str(host.port), OUTSIDE)
        assert code == 0, err.decode()
        blind = Egress((), tell, driver, reach)  # another run, whose repo allows nothing
        script = "import socket; socket.create_connection(('127.0.0.1', 3128))"
        _, _, no_listener = await run(driver, blind, "/usr/bin/python3", "-c", script)
    await host.close()
    for _ in range(100):  # closed transports leave with the loop's next rounds
        if list_descriptors() <= before:
            break
        await asyncio.sleep(0.02)
    left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    descriptors = (before, list_descriptors())
    return {**json.loads(out), "host": host, "names": names, "events": told, "no listener": no_listener,
            "descriptors": descriptors, "tasks": left, "port": host.port}  # fmt: skip


@pytest.fixture(scope="module")
def played() -> dict[str, Any]:
    return asyncio.run(play())


def status(played: dict[str, Any], name: str) -> int:
    found: int = played["told"][name]["status"]
    return found


def test_an_allowed_host_answers(played: dict[str, Any]) -> None:
    for name in ("get good", "connect good", "get a.wild", "get mixed"):
        assert status(played, name) == 200, played["told"][name]
        assert played["told"][name]["text"].endswith("public")


def test_other_hosts_are_refused_with_the_remedy(played: dict[str, Any]) -> None:
    for name in ("get other", "connect other", "get wild"):
        assert status(played, name) == 403
        assert "--allow-host" in played["told"][name]["text"]
    assert f"other.test:{played['port']}" in played["told"]["get other"]["text"]
    assert "other.test" not in played["names"].asked, "a refused name is not even resolved"


def test_there_is_no_way_around_the_proxy(played: dict[str, Any]) -> None:
    assert played["direct"] == {"outside": "ENETUNREACH", "host server": "ECONNREFUSED", "cloud": "ENETUNREACH"}
    assert b"ConnectionRefusedError" in played["no listener"]


@pytest.mark.parametrize("name", ["loop", "ten", "meta", "mapped"])
def test_a_name_for_a_private_address_is_refused(played: dict[str, Any], name: str) -> None:
    assert status(played, f"get {name}") == 403
    assert "address" in played["told"][f"get {name}"]["text"]
    assert "--allow-host" not in played["told"][f"get {name}"]["text"], "allowing it would not help"


@pytest.mark.parametrize(
    ("host", "code"),
    [
        *[("127.0.0.1", 403), ("127.0.0.2", 403), ("localhost", 403), ("[::1]", 403), ("[::ffff:127.0.0.1]", 403)],
        *[("127.1", 400), ("0x7f000001", 400), ("2130706433", 400)],
    ],
)
def test_the_hosts_loopback_has_no_name(played: dict[str, Any], host: str, code: int) -> None:
    assert status(played, f"get {host}") == code
    assert status(played, f"connect {host}") == code


def test_an_answer_is_used_once(played: dict[str, Any]) -> None:
    assert status(played, "get rebind") == 200
    assert played["told"]["get rebind"]["text"].endswith("public")
    assert status(played, "rebind again") == 403, "and the next answer is checked anew"
    assert played["names"].asked.count("rebind.test") == 2


def test_nothing_private_was_ever_dialled(played: dict[str, Any]) -> None:
    assert {address for address, _ in played["host"].asked} == {PUBLIC}
    assert "SECRET" not in json.dumps(played["told"])


@pytest.mark.parametrize(
    "name",
    [
        *["both lengths", "two lengths", "folded", "spaced name", "odd coding", "dropped length"],
        *["other host header", "two hosts", "bare newline", "user name", "large head", "not for a proxy"],
    ],
)
def test_requests_that_can_be_read_twice_are_refused(played: dict[str, Any], name: str) -> None:
    assert status(played, name) == {"large head": 431, "odd coding": 501}.get(name, 400)
    assert not [head for _, head in played["host"].asked if b"smuggled" in head]


def test_other_ports_are_refused(played: dict[str, Any]) -> None:
    assert status(played, "connect 22") == 403
    assert "port 22" in played["told"]["connect 22"]["text"]


def test_a_head_that_never_ends_is_cut(played: dict[str, Any]) -> None:
    assert played["dripped"] < 15


def test_an_unknown_name_is_no_refusal(played: dict[str, Any]) -> None:
    assert status(played, "get nowhere") == 502
    assert "cannot be resolved" in played["told"]["get nowhere"]["text"]


def test_refusals_and_traffic_are_told(played: dict[str, Any]) -> None:
    events: list[EventDraft] = played["events"]
    *refusals, total = [dict(draft.payload) for draft in events]
    expected = sum(told["status"] == 403 for told in played["told"].values())
    assert len(refusals) == expected <= MAX_REFUSAL_EVENTS
    assert {"host": "other.test", "port": played["port"]}.items() <= refusals[0].items()
    assert {refusal["stream"] for refusal in refusals} == {"egress"}
    assert total["refusals"] == expected
    assert total["hosts"]["good.test"]["receivedBytes"] > 100
    assert total["hosts"]["good.test"]["sentBytes"] > 50
    assert "other.test" not in total["hosts"]


def test_nothing_is_left_behind(played: dict[str, Any]) -> None:
    before, after = played["descriptors"]
    assert after <= before
    assert played["tasks"] == []


def test_refusals_beyond_a_number_are_only_counted() -> None:
    async def flood() -> list[EventDraft]:
        told: list[EventDraft] = []

        async def tell(draft: EventDraft) -> None:
            told.append(draft)

        driver = BubblewrapDriver(disk_rules=DiskRules(free_bytes=0))
        script = (
            "import socket\n"
            f"for _ in range({MAX_REFUSAL_EVENTS + 7}):\n"
            "    with socket.create_connection(('127.0.0.1', 3128)) as proxy:\n"
            "        proxy.sendall(b'CONNECT a.test:443 HTTP/1.1\\r\\nHost: a.test:443\\r\\n\\r\\n')\n"
            "        while proxy.recv(1000): pass\n"
        )
        async with Egress(["good.test"], tell, driver) as egress:
            code, _, err = await run(driver, egress, "/usr/bin/python3", "-c", script)
        assert code == 0, err.decode()
        return told

    told = asyncio.run(flood())
    assert len(told) == MAX_REFUSAL_EVENTS + 1
    assert told[-1].payload["refusals"] == MAX_REFUSAL_EVENTS + 7


def test_a_sandbox_that_cannot_be_made_leaves_no_listener() -> None:
    async def fail() -> tuple[int, int]:
        driver = BubblewrapDriver(disk_rules=DiskRules(free_bytes=0))
        await driver.probe()
        before = list_descriptors()
        for ports in ((70000,), (3128, 3128)):
            with pytest.raises(SandboxError):
                await driver.start(SandboxSpec("bad", ("/usr/bin/true",), directory="/", listeners=ports))
        starting = asyncio.create_task(
            driver.start(SandboxSpec("bad", ("/usr/bin/true",), directory="/", listeners=(3128,)))
        )
        await asyncio.sleep(0.005)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        return before, list_descriptors()

    before, after = asyncio.run(fail())
    assert after <= before
