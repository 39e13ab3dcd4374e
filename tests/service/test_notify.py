"""One run's ending told to one URL: signed, listed and bounded as webhooks are, where an admin lets callers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from standardwebhooks import Webhook as Verifier

from mogplex.domain.errors import BadRequest
from mogplex.domain.exchange import NoReply, Reply
from mogplex.domain.run import Outcome
from mogplex.domain.run_view import run_object
from mogplex.domain.webhook import DeliveryStatus, Webhook
from mogplex.domain.webhook_view import delivery_object
from mogplex.egress.address import Reach
from mogplex.egress.poster import post
from mogplex.service.courier import Courier
from tests.house import ending
from tests.service.test_webhooks import Posts, posts, receiver  # noqa: F401 - fixtures

ELSEWHERE = "https://elsewhere.example/hook"


@pytest.fixture
def made(posts: Posts) -> tuple[Webhook, str]:  # noqa: F811
    """A webhook of an admin who lets callers be told, and its secret. It hears of nothing that happens here itself."""
    webhook, secret = posts.create(url=ELSEWHERE, events=["schedule.alarm"])
    posts.house.runs.notify_webhook = webhook.id
    return webhook, secret


@pytest.fixture
def webhook(made: tuple[Webhook, str]) -> Webhook:
    return made[0]


def test_the_ending_of_a_run_is_told_once(posts: Posts, made: tuple[Webhook, str]) -> None:  # noqa: F811
    house, (webhook, secret) = posts.house, made
    repo, caller = house.add_repo(), house.caller("write")
    run = house.start(repo, caller=caller, notify=posts.receiver.url).run
    other = house.start(repo, "other").run
    shown = run_object(run)["notify"]
    assert shown == posts.receiver.url.split("?")[0]
    for each in (run, other):
        assert house.attempts.finish(house.claim(each), ending(Outcome.NO_CHANGES))
    assert posts.courier.carry() == 1 and posts.courier.carry() == 0
    ((headers, body),) = posts.receiver.got
    told = Verifier(secret).verify(body, headers)
    assert (told["type"], told["data"]["runId"], told["data"]["outcome"]) == ("run.finished", run.id, "no_changes")
    (delivery,) = posts.deliveries(webhook)
    assert (delivery.status, delivery_object(delivery)["url"]) == (DeliveryStatus.DELIVERED, shown)


def test_a_cancelled_run_and_a_retry_are_told_too(posts: Posts, webhook: Webhook) -> None:  # noqa: F811
    house = posts.house
    run = house.start(house.add_repo(), notify=posts.receiver.url).run
    house.runs.cancel(house.admin, run.id)
    again = house.runs.retry(house.admin, run.id, {}).run
    house.runs.cancel(house.admin, again.id)
    assert posts.courier.carry() == 2
    assert len(posts.deliveries(webhook)) == 2


def test_a_receiver_that_is_gone_is_given_up_and_the_webhook_stays(posts: Posts, webhook: Webhook) -> None:  # noqa: F811
    house = posts.house
    posts.receiver.answers = [(410, {})]
    house.runs.cancel(house.admin, house.start(house.add_repo(), notify=posts.receiver.url).run.id)
    posts.courier.carry()
    (delivery,) = posts.deliveries(webhook)
    assert delivery.status is DeliveryStatus.FAILED
    assert house.webhooks.get(house.admin, webhook.id).disabled_at is None


def test_a_private_address_is_not_dialled(posts: Posts, webhook: Webhook) -> None:  # noqa: F811
    house = posts.house
    house.runs.cancel(house.admin, house.start(house.add_repo(), notify=posts.receiver.url).run.id)

    def dial(url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Reply:
        with pytest.raises(NoReply, match="loopback"):
            return post(url, body, headers, timeout_seconds, reach=Reach())
        raise NoReply("not dialled")

    Courier(house.database, house.vault, dial).carry()
    (delivery,) = posts.deliveries(webhook)
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.PENDING, "not dialled")
    assert not posts.receiver.got


def test_nobody_may_ask_for_it_unless_an_admin_says_so(posts: Posts, webhook: Webhook) -> None:  # noqa: F811
    house, repo = posts.house, posts.house.add_repo()
    for bad in ("ftp://x", "https://me:secret@x/", "/path", "https://x/#y"):
        with pytest.raises(BadRequest, match="notify"):
            house.start(repo, bad, notify=bad)
    started = house.start(repo, "before", notify=ELSEWHERE).run
    house.webhooks.update(house.admin, webhook.id, {"enabled": False})
    with pytest.raises(BadRequest, match="MOGPLEX_NOTIFY_WEBHOOK"):
        house.start(repo, "after", notify=ELSEWHERE)
    again = house.start(repo, "before", notify=ELSEWHERE)
    assert (again.replayed, again.run.id) == (True, started.id)  # a faithful repetition stays one
    house.runs.notify_webhook = ""
    with pytest.raises(BadRequest, match="MOGPLEX_NOTIFY_WEBHOOK"):
        house.start(repo, "never", notify=ELSEWHERE)


def test_a_webhook_that_was_removed_tells_nothing_and_ends_the_run(posts: Posts, webhook: Webhook) -> None:  # noqa: F811
    house = posts.house
    run = house.start(house.add_repo(), notify=posts.receiver.url).run
    house.webhooks.remove(house.admin, webhook.id)
    assert house.runs.cancel(house.admin, run.id).run.status.is_terminal
    assert posts.courier.carry() == 0


def test_contenders_tell_nobody(posts: Posts, webhook: Webhook) -> None:  # noqa: F811
    house = posts.house
    run = house.start(house.add_repo(), notify=posts.receiver.url, attempts=2, attemptsMode="side-by-side").run
    assert run.contest is not None and run.notify_url
    contenders = [house.runs.get(house.admin, each) for each in run.contest.contenders]
    assert contenders and not any(each.notify_url for each in contenders)
    assert dataclasses.asdict(contenders[0])["notify_webhook"] is None
