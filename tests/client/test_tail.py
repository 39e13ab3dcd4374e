"""Following a run over real sockets, through everything that goes wrong on the way."""

from __future__ import annotations

import time

import pytest

from mogplex.client import ApiError, ConnectionFailed, WaitTimeout
from tests.cli.scripted_api import (
    KEY,
    RUN_ID,
    Answer,
    Request,
    ScriptedApi,
    make_event,
    make_finished,
    make_run,
    ok,
    page,
    refuse,
    sse,
)
from tests.client.conftest import MakeClient

STREAM = f"/runs/{RUN_ID}/stream"
EVENTS = f"/runs/{RUN_ID}/events"


def follow(
    make_client: MakeClient, api: ScriptedApi, after: int = 0, timeout_seconds: float = 20.0, silence: float = 6.0
) -> list[int]:
    client = make_client(api.url, KEY, silence_seconds=(silence, silence))
    return [event["seq"] for event in client.stream_events(RUN_ID, after, timeout_seconds)]


def test_events_come_once_in_order_and_end_with_finished(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), b": heartbeat\n\n", make_event(2), make_finished(3), make_event(4)))
    assert follow(make_client, api) == [1, 2, 3]
    assert len(api.requests) == 1
    assert api.requests[0].headers["accept"] == "text/event-stream"


def test_an_event_comes_as_soon_as_it_is_sent(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), 30.0, make_finished(2)))
    events = make_client(api.url, KEY).stream_events(RUN_ID, timeout_seconds=60)
    started = time.monotonic()
    assert next(events)["seq"] == 1
    assert time.monotonic() - started < 20


def test_a_cut_is_resumed_where_it_happened(make_client: MakeClient, api: ScriptedApi) -> None:
    half_a_frame = b'id: 3\ndata: {"seq": 3, "type": "lo'
    cut = sse(make_event(1), make_event(2), half_a_frame)
    cut.cut = True
    api.script("GET", STREAM, cut, sse(make_event(2), make_event(3), make_finished(4)))
    api.script("GET", EVENTS, page([]))
    assert follow(make_client, api) == [1, 2, 3, 4]
    first, second = [request.headers.get("last-event-id") for request in api.asked("GET", STREAM)]
    assert first is None
    assert second in ("1", "2")  # aiohttp forgets what it had not handed out when the cut came


def test_following_begins_behind_after(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(8), make_finished(9)))
    assert follow(make_client, api, after=7) == [8, 9]
    assert api.requests[0].headers["last-event-id"] == "7"


def test_a_run_that_was_over_already_ends_the_following(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse())
    api.script("GET", EVENTS, page([], "success", run={"lastSeq": 9}))
    assert follow(make_client, api, after=9) == []


def test_a_server_with_no_more_to_say_ends_it(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, Answer(204))
    api.script("GET", EVENTS, page([], "success", run={"lastSeq": 9}))
    assert follow(make_client, api, after=9) == []
    assert len(api.requests) == 2


def test_a_run_that_was_over_is_believed_without_a_last_number(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse())
    api.script("GET", EVENTS, page([], "failed"))
    assert follow(make_client, api, after=9) == []


def test_lost_frames_are_fetched(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), make_event(4)), sse(make_finished(5)))
    api.script("GET", EVENTS, page([make_event(2), make_event(3), make_event(4)]))
    assert follow(make_client, api) == [1, 2, 3, 4, 5]


def test_events_that_are_gone_for_good_do_not_stop_the_rest(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), make_event(5), make_finished(6)))
    api.script("GET", EVENTS, page([]))
    assert follow(make_client, api) == [1, 5, 6]


def test_retry_after_is_honoured(make_client: MakeClient, api: ScriptedApi) -> None:
    busy = refuse(429, "RATE_LIMITED", "too many", Retry_After="1")
    api.script("GET", STREAM, busy, sse(make_finished(1)))
    started = time.monotonic()
    assert follow(make_client, api) == [1]
    assert time.monotonic() - started >= 1


def test_a_restart_of_the_server_is_survived(make_client: MakeClient, api: ScriptedApi) -> None:
    away = refuse(503, "SERVICE_UNAVAILABLE", "draining", Retry_After="0")
    api.script("GET", STREAM, sse(make_event(1)), Answer(cut=True), away, sse(make_event(2), make_finished(3)))
    api.script("GET", EVENTS, page([]), Answer(cut=True), page([]))
    assert follow(make_client, api) == [1, 2, 3]


def test_a_proxy_that_holds_the_stream_back_is_walked_around(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, Answer(pause_seconds=30.0))
    api.script("GET", EVENTS, page([make_event(1)]), page([make_event(2), make_finished(3)], "success"))
    assert follow(make_client, api, silence=0.3) == [1, 2, 3]
    assert [request.query["after"] for request in api.asked("GET", EVENTS)] == ["0", "1"]
    assert len(api.asked("GET", STREAM)) == 1


def test_a_proxy_that_sends_the_head_and_holds_the_body(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(30.0, make_event(1)))
    api.script("GET", EVENTS, page([make_event(1), make_finished(2)], "success"))
    assert follow(make_client, api, silence=0.3) == [1, 2]


def test_a_connection_that_died_silently_is_replaced(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), 30.0), sse(make_finished(2)))
    api.script("GET", EVENTS, page([]))
    assert follow(make_client, api, silence=0.3) == [1, 2]
    assert len(api.asked("GET", STREAM)) == 2


def test_an_old_server_without_streams_is_polled(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, ok({"not": "a stream"}))
    api.script("GET", EVENTS, page([make_event(1), make_finished(2)], "success"))
    assert follow(make_client, api) == [1, 2]


def test_pages_are_read_to_their_end(make_client: MakeClient, api: ScriptedApi) -> None:
    def answer(request: Request) -> Answer:
        after = int(request.query["after"])
        events = [make_event(seq) for seq in range(after + 1, min(after + 3, 7))]
        return page(events or [make_finished(7)], hasMore=after < 4)

    api.script("GET", STREAM, ok({}))
    api.script("GET", EVENTS, answer)
    assert follow(make_client, api) == [1, 2, 3, 4, 5, 6, 7]


def test_waiting_ends_when_told(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), 30.0))
    seen = []
    with pytest.raises(WaitTimeout):
        for event in make_client(api.url, KEY).stream_events(RUN_ID, timeout_seconds=0.5):
            seen.append(event["seq"])
    assert seen == [1]


@pytest.mark.parametrize(("status", "code"), [(401, "UNAUTHORIZED"), (403, "FORBIDDEN"), (404, "NOT_FOUND")])
def test_a_refusal_is_final(make_client: MakeClient, api: ScriptedApi, status: int, code: str) -> None:
    api.script("GET", STREAM, refuse(status, code, "no"))
    with pytest.raises(ApiError) as caught:
        follow(make_client, api)
    assert (caught.value.code, caught.value.http_status) == (code, status)
    assert len(api.requests) == 1


def test_a_key_revoked_while_following_ends_it(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1)), refuse(401, "UNAUTHORIZED", "revoked"))
    api.script("GET", EVENTS, page([]))
    with pytest.raises(ApiError, match="revoked"):
        follow(make_client, api)


def test_nobody_there_at_first_fails_at_once(make_client: MakeClient, api: ScriptedApi) -> None:
    api.close()
    with pytest.raises(ConnectionFailed, match="can't reach"):
        follow(make_client, api)


def test_broken_json_in_the_stream_is_asked_for_again(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", STREAM, sse(make_event(1), b"data: {oops\n\n"), sse(make_finished(2)))
    api.script("GET", EVENTS, page([]))
    assert follow(make_client, api) == [1, 2]


def test_wait_for_run_survives_and_returns_the_ending(make_client: MakeClient, api: ScriptedApi) -> None:
    running = ok({"run": make_run("streaming")})
    api.script("GET", f"/runs/{RUN_ID}", running, Answer(cut=True), ok({"run": make_run("failed")}))
    assert make_client(api.url, KEY).wait_for_run(RUN_ID, 20)["status"] == "failed"
    assert float(api.requests[0].query["wait"]) <= 30


def test_wait_for_run_stops_when_told(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", f"/runs/{RUN_ID}", ok({"run": make_run("streaming")}))
    with pytest.raises(WaitTimeout):
        make_client(api.url, KEY).wait_for_run(RUN_ID, 0.5)
