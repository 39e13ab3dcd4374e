"""Webhooks: told once the fact is written, signed as receivers verify it, tried again until taken."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from mogplex.domain.errors import BadRequest, Forbidden, NotFound
from mogplex.domain.exchange import NoReply, Reply
from mogplex.domain.run import Outcome
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.webhook import DeliveryStatus, Webhook, WebhookDelivery
from mogplex.egress.address import Reach
from mogplex.egress.poster import post
from mogplex.service.courier import PAUSES_SECONDS, Courier
from mogplex.service.vault import Vault
from mogplex.service.webhooks import Webhooks
from mogplex.store.database import Database
from mogplex.store.schema import metadata
from tests.clock import Clock
from tests.house import VAULT_KEY, House, ending

LOOPBACK = Reach(permitted=(ip_network("127.0.0.0/8"),))


class Receiver:
    """A real HTTP server that answers as told and remembers what it got."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []  # then 200
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, headers = outer.answers.pop(0) if outer.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: a test's output is its own."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks?from=mogplex"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Posts:
    """A house with a clock, a receiver and a courier that may dial it."""

    def __init__(self, database: Database, clock: Clock, receiver: Receiver) -> None:
        self.house = House(database)
        self.clock = clock
        self.receiver = receiver
        self.courier = Courier(database, self.house.vault, self._post)

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Reply:
        return post(url, body, headers, timeout_seconds, reach=LOOPBACK)

    def create(self, **body: Any) -> tuple[Webhook, str]:
        return self.house.webhooks.create(self.house.admin, {"url": self.receiver.url, **body})

    def deliveries(self, webhook: Webhook) -> list[WebhookDelivery]:
        return list(self.house.webhooks.deliveries(self.house.admin, webhook.id))

    def move(self, seconds: float) -> int:
        self.clock.now += seconds
        return self.courier.carry()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def posts(database_url: str, receiver: Receiver) -> Iterator[Posts]:
    clock = Clock(time.time())  # receivers refuse what is signed at another time
    database = Database(database_url, clock=clock)
    opened = Posts(database, clock, receiver)
    yield opened
    opened.house.close()
    database.close()


def test_a_run_is_told_when_it_starts_and_when_it_ends_with_signatures_that_hold(posts: Posts) -> None:
    repo = posts.house.add_repo()
    webhook, secret = posts.create(events=["run.started", "run.finished"])
    run = posts.house.claim(posts.house.start(repo).run)
    assert posts.courier.carry() == 1
    assert posts.house.attempts.finish(run, ending(Outcome.CHECKS_FAILED), SandboxFacts())
    assert posts.courier.carry() == 1
    assert posts.courier.carry() == 0
    bodies = []
    for headers, body in posts.receiver.got:
        bodies.append(Verifier(secret).verify(body, headers))
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body.replace(b"run_", b"ran_"), headers)
    assert [each["type"] for each in bodies] == ["run.started", "run.finished"]
    assert bodies[1]["data"] == {
        "runId": run.id, "repoId": repo.id, "status": "failed", "outcome": "checks_failed", "verdict": "verified",
    }  # fmt: skip
    assert {each.status for each in posts.deliveries(webhook)} == {DeliveryStatus.DELIVERED}
    sent_ids = {headers["webhook-id"] for headers, _ in posts.receiver.got}
    assert sent_ids == {each.id for each in posts.deliveries(webhook)}


def test_what_is_refused_is_tried_again_with_the_same_id_until_it_is_given_up(posts: Posts) -> None:
    webhook, _ = posts.create()
    posts.receiver.answers = [(500, {}), (302, {"Location": "http://127.0.0.1:1/"})]
    posts.house.webhooks.test(posts.house.admin, webhook.id)
    assert posts.courier.carry() == 1
    assert posts.move(PAUSES_SECONDS[0] - 1) == 0
    assert posts.move(1) == 1
    assert posts.move(PAUSES_SECONDS[1]) == 1
    found = posts.deliveries(webhook)[0]
    assert (found.status, found.tries, found.last_status) == (DeliveryStatus.DELIVERED, 3, 200)
    assert len({headers["webhook-id"] for headers, _ in posts.receiver.got}) == 1
    posts.receiver.answers = [(500, {})] * 20
    posts.house.webhooks.test(posts.house.admin, webhook.id)
    tries = posts.courier.carry()
    for pause in PAUSES_SECONDS:
        tries += posts.move(pause)
    assert tries == len(PAUSES_SECONDS) + 1
    given_up = posts.deliveries(webhook)[0]
    assert (given_up.status, given_up.last_error) == (DeliveryStatus.FAILED, "answered 500")
    assert posts.move(10 * 86400) == 0
    posts.receiver.answers = []
    again = posts.house.webhooks.redeliver(posts.house.admin, webhook.id, given_up.id)
    assert posts.courier.carry() == 1
    assert posts.receiver.got[-1][0]["webhook-id"] == again.id == given_up.id


def test_a_receiver_says_how_long_to_wait_and_that_it_is_gone(posts: Posts) -> None:
    webhook, _ = posts.create()
    posts.receiver.answers = [(429, {"Retry-After": "600"}), (410, {})]
    posts.house.webhooks.test(posts.house.admin, webhook.id)
    posts.courier.carry()
    assert posts.move(599) == 0
    assert posts.move(1) == 1
    assert posts.deliveries(webhook)[0].status is DeliveryStatus.FAILED
    disabled = posts.house.webhooks.list(posts.house.admin)[0]
    assert disabled.disabled_at is not None
    repo = posts.house.add_repo()
    posts.house.runs.cancel(posts.house.admin, posts.house.start(repo).run.id)
    assert len(posts.deliveries(webhook)) == 1, "nothing more is queued for it"


def test_addresses_that_may_not_be_dialled_are_not_and_the_list_says_so(posts: Posts) -> None:
    posts.courier = Courier(
        posts.house.database,
        posts.house.vault,
        lambda url, body, headers, seconds: post(url, body, headers, seconds, reach=Reach()),
    )
    for url in (posts.receiver.url, "http://169.254.169.254/latest", "http://[::1]:9/", "http://localhost:9/"):
        webhook = posts.house.webhooks.create(posts.house.admin, {"url": url})[0]
        posts.house.webhooks.test(posts.house.admin, webhook.id)
        posts.courier.carry()
        error = posts.deliveries(webhook)[0].last_error
        assert error is not None and ("loopback" in error or "link-local" in error), error
    assert posts.receiver.got == []


def test_nobody_listening_is_told(posts: Posts) -> None:
    with pytest.raises(NoReply, match="gave no answer"):
        post("http://127.0.0.1:9/", b"{}", {}, 5.0, reach=LOOPBACK)


def test_a_new_secret_and_the_old_one_sign_for_a_day(posts: Posts) -> None:
    webhook, old = posts.create()
    rotated, new = posts.house.webhooks.rotate(posts.house.admin, webhook.id)
    assert old != new and len(rotated.secrets) == 2

    def send() -> tuple[dict[str, str], bytes]:
        posts.house.webhooks.test(posts.house.admin, webhook.id)
        assert posts.courier.carry() == 1
        return posts.receiver.got[-1]

    headers, body = send()
    Verifier(old).verify(body, headers)
    Verifier(new).verify(body, headers)
    posts.clock.now += 86401
    headers, body = send()
    assert headers["webhook-signature"].count("v1,") == 1


def test_two_couriers_send_each_delivery_once(posts: Posts) -> None:
    webhook, _ = posts.create()
    for _ in range(10):
        posts.house.webhooks.test(posts.house.admin, webhook.id)
    others = [threading.Thread(target=posts.courier.carry) for _ in range(4)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    posts.courier.carry()
    assert len(posts.receiver.got) == 10


def test_a_secret_is_kept_sealed_and_shown_once(posts: Posts) -> None:
    webhook, secret = posts.create()
    posts.house.webhooks.test(posts.house.admin, webhook.id)
    with posts.house.database.read() as tx:
        rows = [str(row) for table in metadata.tables.values() for row in tx.execute(table.select())]
    assert not [row for row in rows if secret in row or secret.removeprefix("whsec_") in row]
    assert posts.house.vault.open(webhook.id, webhook.secrets[0].sealed) == secret


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({}, "url"),
    ({"url": 5}, "url"),
    ({"url": "example.org"}, "url"),
    ({"url": "ftp://example.org/"}, "url"),
    ({"url": "https://user:secret@example.org/"}, "url"),
    ({"url": "https://exa mple.org/"}, "url"),
    ({"url": "https://example.org/#part"}, "url"),
    ({"url": "https://example.org:99999/"}, "url"),
    ({"url": "https://0x7f.1/"}, "url"),
    ({"url": "https://example.org/" + "x" * 2000}, "url"),
    ({"url": "https://example.org/", "events": []}, "events"),
    ({"url": "https://example.org/", "events": ["run.exploded"]}, "events"),
    ({"url": "https://example.org/", "events": ["webhook.test"]}, "events"),
    ({"url": "https://example.org/", "repos": []}, "repos"),
    ({"url": "https://example.org/", "wat": 1}, "wat"),
]


def test_bad_input_is_refused_by_its_field_and_nothing_is_kept(posts: Posts) -> None:
    for body, field in BAD_INPUT:
        with pytest.raises(BadRequest) as caught:
            posts.house.webhooks.create(posts.house.admin, body)
        assert field in [each.field for each in caught.value.details], json.dumps(body)
    assert posts.house.webhooks.list(posts.house.admin) == []


def test_a_webhook_of_one_repo_hears_of_no_other_and_bound_keys_see_their_own(posts: Posts) -> None:
    mine = posts.house.add_repo()
    other = posts.house.add_repo(cloneUrl="/srv/git/acme/other", name="acme/other")
    bound = posts.house.caller("admin", repo_ids=[mine.id])
    with pytest.raises(Forbidden):
        posts.house.webhooks.create(bound, {"url": posts.receiver.url})
    webhook = posts.house.webhooks.create(bound, {"url": posts.receiver.url, "repos": [mine.id]})[0]
    everything = posts.create()[0]
    for repo in (mine, other):
        posts.house.runs.cancel(posts.house.admin, posts.house.start(repo, key=repo.id).run.id)
    assert len(posts.deliveries(webhook)) == 1
    assert len(posts.deliveries(everything)) == 2
    assert [each.id for each in posts.house.webhooks.list(bound)] == [webhook.id]
    with pytest.raises(NotFound):
        posts.house.webhooks.remove(bound, everything.id)
    posts.house.webhooks.remove(posts.house.admin, webhook.id)
    assert [each.id for each in posts.house.webhooks.list(posts.house.admin)] == [everything.id]


def test_a_new_key_of_the_vault_seals_webhooks_again_so_that_the_old_one_can_go(posts: Posts) -> None:
    webhook, secret = posts.create()
    new, old = Vault.generate_key(), VAULT_KEY
    both = Webhooks(posts.house.database, Vault([new, old]))
    assert (both.reseal(), both.reseal()) == (1, 0)
    posts.courier = Courier(posts.house.database, Vault([new]), posts._post)
    posts.house.webhooks.test(posts.house.admin, webhook.id)
    assert posts.courier.carry() == 1
    headers, body = posts.receiver.got[-1]
    Verifier(secret).verify(body, headers)


def test_a_receiver_that_dribbles_is_cut_at_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble() -> None:
            accepted, _ = listener.accept()
            with accepted, contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\n" + b"X" * 1000:
                    accepted.sendall(bytes([byte]))
                    time.sleep(0.05)

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(NoReply):
            post(f"http://127.0.0.1:{port}/", b"{}", {}, 1.0, reach=LOOPBACK)
        thread.join(20)
        assert not thread.is_alive(), "it noticed that nobody reads any more"


def test_what_is_told_where_can_be_changed_and_switched_off_and_on(posts: Posts) -> None:
    house = posts.house
    repo = house.add_repo()
    webhook, secret = house.webhooks.create(house.admin, {"url": "https://example.org/", "repos": [repo.id]})
    house.webhooks.test(house.admin, webhook.id)
    changed = house.webhooks.update(house.admin, webhook.id, {"url": posts.receiver.url, "events": ["run.started"]})
    assert (changed.repo_ids, [str(topic) for topic in changed.topics]) == ((repo.id,), ["run.started"])
    assert posts.courier.carry() == 1  # what waited goes to the new place, under the old secret
    Verifier(secret).verify(posts.receiver.got[0][1], posts.receiver.got[0][0])
    assert house.webhooks.update(house.admin, webhook.id, {"repos": None, "events": None}).repo_ids is None
    assert house.webhooks.get(house.admin, webhook.id).topics == webhook.topics
    house.webhooks.test(house.admin, webhook.id)
    off = house.webhooks.update(house.admin, webhook.id, {"enabled": False})
    assert off.disabled_at == posts.clock.now
    assert posts.courier.carry() == 1
    assert {each.status for each in posts.deliveries(webhook)} == {DeliveryStatus.DELIVERED, DeliveryStatus.FAILED}
    posts.clock.now += 5
    assert house.webhooks.update(house.admin, webhook.id, {"enabled": False}) == off
    assert house.webhooks.update(house.admin, webhook.id, {"enabled": True}).disabled_at is None
    assert len(posts.receiver.got) == 1


def test_a_change_that_can_not_be_is_refused_with_each_fault(posts: Posts) -> None:
    house = posts.house
    repo = house.add_repo()
    webhook, _ = house.webhooks.create(house.admin, {"url": "https://example.org/", "repos": [repo.id]})
    with pytest.raises(BadRequest) as refused:
        house.webhooks.update(house.admin, webhook.id, {"url": None, "events": [], "enabled": 1, "secret": "x"})
    assert {each.field for each in refused.value.details} == {"url", "events", "enabled", "secret"}
    bound = house.caller("admin", repo_ids=[repo.id])
    with pytest.raises(Forbidden):
        house.webhooks.update(bound, webhook.id, {"repos": None})
    with pytest.raises(NotFound):
        house.webhooks.update(house.admin, "hook_" + "0" * 32, {"enabled": True})
    assert house.webhooks.get(bound, webhook.id) == webhook
