"""How errors look: one clear line on stderr, what it is about below it, and what to type next.

With --json stderr gets one line of JSON instead: {"error": {"code", "message", "details", "requestId", "httpStatus",
"retryAfterSeconds", "exitCode", "next"}}. stdout never holds an error.
"""

from __future__ import annotations

import json
import math
import sys

import click

from mogplex.cli import exit_codes
from mogplex.cli.output import note, paint, show
from mogplex.client.errors import ApiError, ClientError, ConnectionFailed, UnusableValue, WaitTimeout
from mogplex.credentials import CredentialsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NEXT = {
    "UNAUTHORIZED": "mogplex login",
    "FORBIDDEN": "use a key with the scope it takes: an admin makes one with `mogplex keys create --scope …`",
    "IDEMPOTENCY_CONFLICT": "take another --idempotency-key, or repeat the first request without a change",
    "SERVICE_UNAVAILABLE": "mogplex doctor   (or `mogplex serve`, when no server runs yet)",
    "INTERNAL_ERROR": "look for the request id in the server's log",
}
_NEXT_OF_NOT_FOUND = {
    "run": "mogplex runs list",
    "repo": "mogplex repos list",
    "sandbox": "mogplex sandboxes list",
    "key": "mogplex keys list",
}


class CommandFailed(Exception):
    """A command can't do what was asked. `code` is a word for programs, `remedy` what to type next."""

    def __init__(self, message: str, code: str, exit_code: int, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.exit_code = exit_code
        self.remedy = remedy


def report(error: Exception, as_json: bool) -> int:
    """Print an error and return the exit code for it. Raises again what is a fault of ours."""
    described = _describe(error)
    if described is None:
        raise error
    if as_json:
        shown = {name: value for name, value in described.items() if value not in (None, [])}
        note(json.dumps({"error": shown}, ensure_ascii=False))
    else:
        _print_text(described)
    return int(described["exitCode"])


def _describe(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, ApiError):
        return _describe_api_error(error)
    if isinstance(error, ConnectionFailed):
        return _row("SERVICE_UNAVAILABLE", error.message, exit_codes.UNAVAILABLE, _NEXT["SERVICE_UNAVAILABLE"])
    if isinstance(error, WaitTimeout):
        return _row("STOPPED_WAITING", error.message, exit_codes.STOPPED_WAITING, None)
    if isinstance(error, UnusableValue):
        return _row("USAGE", error.message, exit_codes.USAGE, "mogplex --help")
    if isinstance(error, ClientError):
        return _row("FAILURE", error.message, exit_codes.FAILURE, None)
    if isinstance(error, CredentialsError):
        return _row("UNAUTHORIZED", error.message, exit_codes.UNAUTHORIZED, error.remedy)
    if isinstance(error, CommandFailed):
        return _row(error.code, error.message, error.exit_code, error.remedy)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "mogplex"
        verb = path.removeprefix("mogplex").strip()
        message = f"{verb}: {error.format_message()}" if verb else error.format_message()
        return _row("USAGE", message, exit_codes.USAGE, f"{path} --help")
    if isinstance(error, click.ClickException):
        return _row("FAILURE", error.format_message(), exit_codes.FAILURE, None)
    if isinstance(error, OSError) and error.filename:
        return _row("FAILURE", f"{error.filename}: {error.strerror}", exit_codes.FAILURE, None)
    return None


def _row(code: str, message: str, exit_code: int, next_step: str | None) -> dict[str, Any]:
    return {"code": code, "message": message, "exitCode": exit_code, "next": next_step}


def _describe_api_error(error: ApiError) -> dict[str, Any]:
    next_step = _NEXT.get(error.code)
    if error.code == "NOT_FOUND":
        words = error.message.lower().split()
        next_step = next((_NEXT_OF_NOT_FOUND[word] for word in words if word in _NEXT_OF_NOT_FOUND), None)
    if error.retry_after_seconds is not None:
        next_step = f"try again in {math.ceil(error.retry_after_seconds)} s"
    row = _row(error.code, error.message, exit_codes.of_error(error.code), next_step)
    row["details"] = error.details
    row["requestId"] = error.request_id
    row["httpStatus"] = error.http_status
    row["retryAfterSeconds"] = error.retry_after_seconds
    return row


def _print_text(described: dict[str, Any]) -> None:
    label = paint("error:", "red", sys.stderr)
    code = "" if described["code"] in ("USAGE", "FAILURE") else f" ({described['code']})"
    note(f"{label} {show(described['message'])}{code}")
    for detail in described.get("details") or []:
        if str(detail.get("reason", "")) in described["message"]:
            continue  # a person reads it once
        note(f"  {show(detail.get('field', '?'))}: {show(detail.get('reason', ''))}")
    if described.get("requestId"):
        note(f"request id: {show(described['requestId'])}")
    if described["next"]:
        note(f"next: {described['next']}")
