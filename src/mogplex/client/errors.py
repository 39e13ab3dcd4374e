"""What can go wrong between a caller and the server."""

from __future__ import annotations

import contextlib
import json
import time
from email.utils import parsedate_to_datetime

TYPE_CHECKING = False  # the `typing` module costs more to import than this one
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mogplex.client.run_facts import RunFacts

# A proxy in front of the server answers without our envelope: then its status is all there is to go by.
_CODE_OF_STATUS = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    429: "RATE_LIMITED",
    502: "SERVICE_UNAVAILABLE",
    503: "SERVICE_UNAVAILABLE",
    504: "SERVICE_UNAVAILABLE",
}


class ClientError(Exception):
    """A call did not give an answer. `message` is one clear line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ApiError(ClientError):
    """The server, or a proxy before it, refused.

    `code` is one of the API's codes; `details` a list of {"field", "reason"}; `request_id` finds the request in the
    server's log; `retry_after_seconds` is set when the server said when to come back.
    """

    def __init__(
        self,
        code: str,
        message: str,
        details: list[dict[str, Any]],
        request_id: str | None,
        http_status: int,
        retry_after_seconds: float | None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = details
        self.request_id = request_id
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds


class ConnectionFailed(ClientError):
    """No usable answer: nobody listens, the connection was cut, or it is not a Mogplex server that answers.

    `sent` is True when the server may have acted on the request; then only an idempotent call may be repeated.
    `silent` is True when the connection stood but nothing came in time.
    """

    def __init__(self, message: str, *, sent: bool, silent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.silent = silent


class UnusableValue(ClientError, ValueError):
    """An argument that can't be sent at all: nothing was asked of the server."""


class WaitTimeout(ClientError):
    """The caller's own `timeout_seconds` is over. The run goes on."""


class RunFailed(ClientError):
    """`require_success` was asked of a run that has not succeeded; `run` is that run."""

    def __init__(self, run: RunFacts) -> None:
        reason = f": {run.error}" if run.error else ""
        super().__init__(f"run {run.id} ended as {run.outcome or run.status}{reason}")
        self.run = run


def read_error(status: int, headers: Mapping[str, str], body: bytes, url: str) -> ApiError:
    """The error in a refused answer; `headers` by lower-case name. Copes with answers that are not from us."""
    retry_after_seconds = read_retry_after(headers.get("retry-after"))
    request_id = headers.get("x-request-id")
    error = _find_envelope_error(body)
    if error is not None:
        details = error.get("details")
        return ApiError(
            str(error["code"]),
            str(error.get("message") or "no message"),
            [item for item in details if isinstance(item, dict)] if isinstance(details, list) else [],
            str(error.get("requestId") or "") or request_id,
            status,
            retry_after_seconds,
        )
    if 300 <= status < 400:
        message = f"{url} redirects to {headers.get('location', 'nowhere')}: use that address as the server's URL"
    else:
        message = f"{url} answered {status}, not in the words of a Mogplex server{quote_body(body)}"
    code = _CODE_OF_STATUS.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST")
    return ApiError(code, message, [], request_id, status, retry_after_seconds)


def _find_envelope_error(body: bytes) -> dict[str, Any] | None:
    try:
        envelope = json.loads(body)
    except ValueError:
        return None
    error = envelope.get("error") if isinstance(envelope, dict) else None
    return error if isinstance(error, dict) and error.get("code") else None


def quote_body(body: bytes, limit: int = 120) -> str:
    """`: "…"` with the beginning of a foreign answer on one line; empty when there is nothing to show."""
    text = " ".join(body[:4096].decode("utf-8", "replace").split())
    if not text:
        return ""
    return f': "{text[:limit]}…"' if len(text) > limit else f': "{text}"'


def read_retry_after(value: str | None) -> float | None:
    """Seconds from a `Retry-After` header: a number, or a date as some proxies send it. None when unreadable."""
    if not value:
        return None
    with contextlib.suppress(ValueError):  # not a number: then it must be a date
        return max(0.0, float(value))
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
