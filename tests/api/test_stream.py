"""Live events: everything once and in order, whatever is cut, slow, revoked or stopped."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mogplex.domain.event import EventDraft
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.service.events import EventHub
from mogplex.store.database import Database
from tests.api.door import Door
from tests.house import ending, said


@pytest.fixture
def run(door: Door, repo: Repo) -> Run:
    """Claimed: its events 1 and 2 are `queued` and `attempt_started`."""
    return door.house.claim(door.house.start(repo).run)


def say(door: Door, run: Run, *texts: str) -> None:
    drafts: list[EventDraft] = [said(text) for text in texts]
    assert door.house.attempts.record(run, drafts).result(10)


def finish(door: Door, run: Run) -> None:
    assert door.house.attempts.finish(run, ending(Outcome.NO_CHANGES, Verdict.NOT_RUN), SandboxFacts())


def numbers(events: list[dict[str, object]]) -> list[object]:
    return [event["seq"] for event in events]


@pytest.mark.parametrize("path", ["events", "stream"])
def test_follows_until_finished_and_closes(door: Door, run: Run, path: str) -> None:
    with door.tail(f"/runs/{run.id}/{path}", {"Accept": "text/event-stream"}) as tail:
        assert tail.status == 200
        assert tail.answer.headers["content-type"].startswith("text/event-stream")
        assert tail.answer.headers["x-accel-buffering"] == "no"
        assert tail.answer.headers["x-request-id"] and tail.answer.headers["x-ratelimit-limit"]
        assert [event["type"] for event in tail.events(2)] == ["queued", "attempt_started"]
        say(door, run, "one", "two")
        assert [event["message"] for event in tail.events(2)] == ["one", "two"]
        finish(door, run)
        rest = tail.events()
        assert rest[-1]["type"] == "finished"
        assert rest[-1]["seq"] == door.get(f"/runs/{run.id}").data["run"]["lastSeq"]
    assert_nobody_is_left(door)


def assert_nobody_is_left(door: Door) -> None:
    hub: EventHub = door.house.hub
    until = time.monotonic() + 10
    while (door.app.state.tails.count or hub.count()) and time.monotonic() < until:
        time.sleep(0.02)
    assert (door.app.state.tails.count, hub.count()) == (0, 0)


def test_a_stream_and_the_pages_hold_the_same_objects(door: Door, run: Run) -> None:
    say(door, run, "naïve 😀", "line\nbreak", "\u2028")
    finish(door, run)
    with door.tail(f"/runs/{run.id}/stream") as tail:
        streamed = tail.events()
    page = door.get(f"/runs/{run.id}/events").data
    assert streamed == page["events"]
    assert numbers(streamed) == list(range(1, page["run"]["lastSeq"] + 1))


def test_pages_show_the_lines_behind_events_on_request_only(door: Door, run: Run) -> None:
    say(door, run, "one")
    plain = door.get(f"/runs/{run.id}/events?raw=0").data["events"]
    assert all("raw" not in event for event in plain)
    asked = door.get(f"/runs/{run.id}/events?raw=1").data["events"]
    assert [{**event, "raw": None} for event in plain] == asked, "no harness stands behind these"


def test_pages_follow_each_other(door: Door, run: Run) -> None:
    say(door, run, *map(str, range(10)))
    finish(door, run)
    after, seen, more = 0, [], True
    while more:
        page = door.get(f"/runs/{run.id}/events?limit=5&after={after}").data
        seen += numbers(page["events"])
        after, more = page["nextAfter"], page["hasMore"]
    assert seen == list(range(1, after + 1))
    empty = door.get(f"/runs/{run.id}/events?after={after}").data
    assert (empty["events"], empty["nextAfter"], empty["hasMore"]) == ([], after, False)


def test_resumes_by_header_or_query_and_the_header_wins(door: Door, run: Run) -> None:
    say(door, run, "three", "four", "five")
    for path, headers in [
        ("stream?after=3", {}),
        ("stream", {"Last-Event-ID": "3"}),
        ("stream?after=1", {"Last-Event-ID": "3"}),
        ("events?after=3", {"Accept": "text/event-stream"}),
    ]:
        with door.tail(f"/runs/{run.id}/{path}", headers) as tail:
            assert numbers(tail.events(2)) == [4, 5]


def test_a_cut_in_the_middle_loses_and_repeats_nothing(door: Door, run: Run) -> None:
    seen: list[object] = []
    for round_number in range(5):
        say(door, run, *(f"{round_number}.{index}" for index in range(4)))
        headers = {"Last-Event-ID": str(len(seen))} if seen else {}
        with door.tail(f"/runs/{run.id}/stream", headers) as tail:
            seen += numbers(tail.events(3))
    finish(door, run)
    with door.tail(f"/runs/{run.id}/stream", {"Last-Event-ID": str(len(seen))}) as tail:
        seen += numbers(tail.events())
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 2 + 20 + 1


def test_who_resumes_after_the_end_is_told_to_stop(door: Door, run: Run) -> None:
    finish(door, run)
    last = door.get(f"/runs/{run.id}").data["run"]["lastSeq"]
    reply = door.get(f"/runs/{run.id}/stream", {"Last-Event-ID": str(last)})
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "٣", "9" * 30, "3, 4"])
def test_a_position_that_is_none_is_400(door: Door, run: Run, position: str) -> None:
    value = position.encode().decode("latin-1")
    for path in ("stream", "events"):
        door.get(f"/runs/{run.id}/{path}", {"Last-Event-ID": value}).refused(400, "BAD_REQUEST")


def test_events_of_another_process_arrive_too(door: Door, run: Run) -> None:
    """Written without the hub that this server listens to: found by looking."""
    with door.tail(f"/runs/{run.id}/stream?after=2") as tail:
        callbacks, door.house.hub._callbacks = door.house.hub._callbacks, {}
        say(door, run, "unheard")
        door.house.hub._callbacks = callbacks
        assert [event["message"] for event in tail.events(1)] == ["unheard"]


def test_many_follow_one_run(door: Door, run: Run) -> None:
    tails = [door.tail(f"/runs/{run.id}/stream") for _ in range(25)]
    with ThreadPoolExecutor(25) as pool:
        followed = [pool.submit(tail.events) for tail in tails]
        for start in range(0, 300, 30):
            say(door, run, *map(str, range(start, start + 30)))
        finish(door, run)
        for each in followed:
            assert numbers(each.result(20)) == list(range(1, 304))
    for tail in tails:
        tail.close()
    assert_nobody_is_left(door)


def test_a_client_that_does_not_read_holds_nobody_up_and_misses_nothing(door: Door, run: Run) -> None:
    big = "x" * 8000
    with door.tail(f"/runs/{run.id}/stream", buffer_bytes=4096) as slow:
        for start in range(0, 1000, 100):
            say(door, run, *(f"{index} {big}" for index in range(start, start + 100)))
        with door.tail(f"/runs/{run.id}/stream") as quick:
            assert len(quick.events(1002)) == 1002
        assert 0 < door.unsent_bytes() < 2_000_000  # of the 8 MB that it has not read
        assert door.get("/me").status == 200
        finish(door, run)
        assert numbers(slow.events()) == list(range(1, 1004))


def test_a_client_that_takes_nothing_for_long_is_let_go(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mogplex.api.stream.STUCK_SECONDS", 0.2)
    monkeypatch.setattr("mogplex.api.server.SWEEP_SECONDS", 0.2)
    door = Door(database)
    try:
        run = door.house.claim(door.house.start(door.house.add_repo()).run)
        for _ in range(10):
            say(door, run, *("x" * 8000 for _ in range(100)))
        with door.tail(f"/runs/{run.id}/stream", buffer_bytes=4096):
            assert_nobody_is_left(door)
            until = time.monotonic() + 10
            while door.server.server_state.connections and time.monotonic() < until:
                time.sleep(0.02)
            assert not door.server.server_state.connections
    finally:
        door.close()


def test_a_key_revoked_while_a_stream_is_open_ends_it(door: Door, run: Run) -> None:
    key, secret = door.house.keys.create(door.house.admin, name="short", scopes=["read"])
    with door.tail(f"/runs/{run.id}/stream", key=secret) as tail, door.tail(f"/runs/{run.id}/stream") as other:
        assert len(tail.events(2)) == 2
        door.send("DELETE", f"/keys/{key.id}")
        began = time.monotonic()
        assert tail.events() == []
        assert time.monotonic() - began < 5
        say(door, run, "three")
        assert len(other.events(3)) == 3
    door.get(f"/runs/{run.id}/stream", key=secret).refused(401, "UNAUTHORIZED")


def test_heartbeats_when_nothing_happens(door: Door, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mogplex.api.stream.HEARTBEAT_SECONDS", 0.1)
    with door.tail(f"/runs/{run.id}/stream?after=2") as tail:
        beats = 0
        for line in tail.lines():
            beats += line.startswith(":")
            if beats == 3:
                break
        assert beats == 3


def test_a_client_that_leaves_is_noticed(door: Door, run: Run) -> None:
    tails = [door.tail(f"/runs/{run.id}/stream") for _ in range(5)]
    for tail in tails:
        tail.events(1)
        tail.close()
    assert_nobody_is_left(door)


def test_the_end_of_the_server_is_an_orderly_end_of_streams(door: Door, run: Run) -> None:
    with door.tail(f"/runs/{run.id}/stream") as tail:
        tail.events(2)
        stopping = threading.Thread(target=door.server.stop)
        stopping.start()
        assert tail.events() == []  # http.client would raise IncompleteRead for a cut
        stopping.join()


def test_head_of_a_stream_ends(door: Door, run: Run) -> None:
    reply = door.send("HEAD", f"/runs/{run.id}/stream")
    assert (reply.status, reply.body) == (200, b"")


def test_curl_and_browsers_get_json_pages(door: Door, run: Run) -> None:
    for accept in ("*/*", "application/json", "text/html,*/*;q=0.8", "application/json, text/event-stream"):
        assert door.get(f"/runs/{run.id}/events", {"Accept": accept}).data["events"]
