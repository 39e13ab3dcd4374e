"""`/runs`: start, list, get (or wait), cancel, retry, patch, checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, IDEMPOTENCY_KEY, LIMIT, RUN_ID, read_id, read_time
from mogplex.api.waiting import Waiting
from mogplex.domain.access import Scope
from mogplex.domain.errors import BadRequest, Detail, Unauthorized
from mogplex.domain.request import MAX_IDEMPOTENCY_KEY_CHARACTERS, RunRequest, clean_idempotency_key
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.run_view import listed_run_object, run_object
from mogplex.domain.view import check_object
from mogplex.service.replay import Started
from mogplex.service.run_filter import RunFilter

LONGEST_WAIT_SECONDS = 60


def start(call: Call) -> ASGIApp:
    key = clean_idempotency_key(call.header(IDEMPOTENCY_KEY))
    request = RunRequest.of(call.json_object())
    return _tell_started(call, call.services.runs.start(call.caller, request, key, call.header("traceparent")))


def retry(call: Call) -> ASGIApp:
    given = call.header(IDEMPOTENCY_KEY)
    key = None if given is None else clean_idempotency_key(given)
    overrides = call.json_object(optional=True)
    run_id = read_id(call.path["run_id"], "run")
    return _tell_started(call, call.services.runs.retry(call.caller, run_id, overrides, key))


def _tell_started(call: Call, started: Started) -> Response:
    run = started.run
    data = {**_view(call, run), "replayed": started.replayed}
    return succeed(data, 202, {"Location": f"{BASE}/runs/{run.id}"})


def list_runs(call: Call) -> ASGIApp:
    query = call.query
    page = call.services.runs.list(
        call.caller,
        RunFilter(
            repo=query.get("repo"),
            status=Status(query["status"]) if "status" in query else None,
            outcome=Outcome(query["outcome"]) if "outcome" in query else None,
            labels=dict(_read_label(text) for text in query.get("label", ())),
            retry_of=query.get("retryOf"),
            contender_of=query.get("contenderOf"),
            since=read_time("since", query["since"]) if "since" in query else None,
            prefix=query.get("prefix"),
            limit=query.get("limit", DEFAULT_LIMIT),
            cursor=query.get("cursor"),
        ),
    )
    runs = [_view(call, run, listed_run_object) for run in page.items]
    return succeed({"runs": runs, "nextCursor": page.next_cursor})


def _read_label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        reason = f"must be name=value, not {text[:60]!r}"
        raise BadRequest(f"label {reason}", [Detail("label", reason)])
    return name, value


def get(call: Call) -> ASGIApp:
    run = _load(call)
    seconds = call.query.get("wait", 0)
    if seconds <= 0 or run.status.is_terminal:
        return _tell(call, run)

    def look_again() -> Run:
        if not call.services.keys.is_live(call.caller.key_id):
            raise Unauthorized("The API key was revoked or has expired while the request waited.")
        return _load(call)

    return Waiting(call.tails, call.services.events, run, seconds, look_again, lambda found: _tell(call, found))


def _load(call: Call) -> Run:
    return call.services.runs.get(call.caller, read_id(call.path["run_id"], "run"))


def _tell(call: Call, run: Run) -> Response:
    return succeed({"run": _view(call, run)})


def _view(call: Call, run: Run, view: Callable[..., dict[str, Any]] = run_object) -> dict[str, Any]:
    place = call.services.runs.queue_place(run) if run.status is Status.PENDING else None
    return view(run, place)


def cancel(call: Call) -> ASGIApp:
    _expect_nothing(call)
    cancelled = call.services.runs.cancel(call.caller, read_id(call.path["run_id"], "run"))
    run = cancelled.run
    return succeed({"run": _view(call, run), "status": run.status, "alreadyTerminal": cancelled.already_terminal})


def _expect_nothing(call: Call) -> None:
    for name in call.json_object(optional=True):
        raise BadRequest(f"{name[:100]} is not a known field: this takes none.", [Detail(name[:100], "is not known")])


def patch(call: Call) -> ASGIApp:
    run_id = read_id(call.path["run_id"], "run")
    diff = call.services.runs.patch(call.caller, run_id)
    headers = {"Content-Disposition": f'attachment; filename="{run_id}.patch"'}
    return Response(diff, 200, headers, "text/x-diff; charset=utf-8")


def checks(call: Call) -> ASGIApp:
    whole = call.query.get("whole", 0) == 1
    found = call.services.runs.checks(call.caller, read_id(call.path["run_id"], "run"), whole=whole)
    return succeed({"checks": [check_object(each) for each in found]})


_WHOLE = Parameter(
    "whole",
    "1 gives all that was kept of the output, up to 2 MiB a check, instead of its beginning and its end.",
    {"type": "integer", "minimum": 0, "maximum": 1, "default": 0},
)


def _key_header(required: bool) -> Parameter:
    return Parameter(
        IDEMPOTENCY_KEY,
        "A value of your choice, new for each run: the same key and body again give the same run.",
        {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_CHARACTERS},
        where="header",
        required=required,
    )


_FILTERS = (
    Parameter("repo", "Only of this repo: an id or owner/name."),
    Parameter("status", "Only with this status.", {"type": "string", "enum": list(Status)}),
    Parameter("outcome", "Only with this outcome.", {"type": "string", "enum": list(Outcome)}),
    Parameter("label", "Only with this label, as name=value; all of several.", repeats=True),
    Parameter("retryOf", "Only retries of this run."),
    Parameter("contenderOf", "Only contenders of this run."),
    Parameter("since", "Only made at or after this time, ISO-8601.", {"type": "string", "format": "date-time"}),
    Parameter("prefix", "Only with an id that begins so: to complete a shortened one."),
    LIMIT,
    CURSOR,
)
_WAIT = Parameter(
    "wait",
    "Answer once the run is terminal, or after so many seconds.",
    {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT_SECONDS, "default": 0},
)
_TRACEPARENT = Parameter(
    "traceparent", "W3C Trace Context: the run's trace becomes a part of yours.", {"type": "string"}, where="header"
)
_STARTED = (Success(202, "Accepted, or the run that this key has started before (`replayed`).", "StartedRun"),)
_RUN = f"{BASE}/runs/{{run_id}}"

ROUTES = (
    Route(
        "POST",
        f"{BASE}/runs",
        "startRun",
        "Start a run",
        Scope.WRITE,
        start,
        _STARTED,
        parameters=(_key_header(required=True), _TRACEPARENT),
        body="RunRequest",
        refusals=(404, 409),
    ),
    Route(
        "GET",
        f"{BASE}/runs",
        "listRuns",
        "List runs, the newest first; long prompts are cut",
        Scope.READ,
        list_runs,
        (Success(200, "A page of runs.", "RunPage"),),
        parameters=_FILTERS,
    ),
    Route(
        "GET",
        _RUN,
        "getRun",
        "Get a run, now or once it is over",
        Scope.READ,
        get,
        (Success(200, "The run.", "RunAnswer"),),
        parameters=(RUN_ID, _WAIT),
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_RUN}/cancel",
        "cancelRun",
        "Cancel a run; safe to repeat",
        Scope.WRITE,
        cancel,
        (Success(200, "The run as it is now.", "CancelAnswer"),),
        parameters=(RUN_ID,),
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_RUN}/retry",
        "retryRun",
        "Start a new run like a failed or cancelled one",
        Scope.WRITE,
        retry,
        _STARTED,
        parameters=(RUN_ID, _key_header(required=False)),
        body="RetryRequest",
        body_optional=True,
        refusals=(404, 409),
    ),
    Route(
        "GET",
        f"{_RUN}/patch",
        "getPatch",
        "Get what the run changed, for `git apply`",
        Scope.READ,
        patch,
        (Success(200, "A unified diff against the base commit.", None, ("text/x-diff",)),),
        parameters=(RUN_ID,),
        refusals=(404,),
    ),
    Route(
        "GET",
        f"{_RUN}/checks",
        "listChecks",
        "List what each check said, on the base and on the patch",
        Scope.READ,
        checks,
        (Success(200, "The checks in the order they ran.", "CheckList"),),
        parameters=(RUN_ID, _WHOLE),
        refusals=(404,),
    ),
)
