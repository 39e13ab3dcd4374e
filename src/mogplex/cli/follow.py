"""Waiting for a run: its events as they come, its ending, and what Ctrl-C means meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

import click

from mogplex.cli import exit_codes
from mogplex.cli.failures import CommandFailed
from mogplex.cli.output import can_ask, note, write_json, write_line
from mogplex.cli.run_view import explain_ending, format_event, print_ending, print_run, print_started
from mogplex.client import ClientError, WaitTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mogplex.cli.options import Server

DEFAULT_TIMEOUT_SECONDS = 1800.0


def follow_run(
    server: Server, run_id: str, after: int, timeout_seconds: float, *, outcome_as_code: bool
) -> dict[str, Any]:
    """Print events until the run is terminal, then the last line. Returns {runId, status, outcome, verdict}."""
    with ctrl_c_leaves_run(server, run_id), patience_ends_with(timeout_seconds, run_id, outcome_as_code):
        finished = None
        for event in server.stream_run(
            run_id, lambda found: server.client.stream_events(found, after, timeout_seconds)
        ):
            if server.as_json:
                write_json(event)
            else:
                write_line(format_event(event))
            finished = event
        ending = _read_ending(server, run_id, finished)
    if server.as_json:
        write_json({name: ending.get(name) for name in ("runId", "status", "outcome", "verdict")})
    else:
        print_ending(ending)
    return ending


def _read_ending(server: Server, run_id: str, last: dict[str, Any] | None) -> dict[str, Any]:
    """From the `finished` event where it was seen; a tail that began behind it has to ask."""
    payload = last.get("payload") if last and last.get("type") == "finished" else None
    found_id = str(last["id"]).rpartition(".")[0] if last and last.get("id") else ""
    if payload and payload.get("status") and found_id:
        return {"runId": found_id, "error": last.get("message") if last else None, **payload}
    return server.on_run(found_id or run_id, server.client.get_run)


def wait_for_run(server: Server, run_id: str, timeout_seconds: float) -> dict[str, Any]:
    """The terminal run, without a word before."""
    with ctrl_c_leaves_run(server, run_id), patience_ends_with(timeout_seconds, run_id, True, "--wait"):
        return server.on_run(run_id, lambda found: server.client.wait_for_run(found, timeout_seconds))


def stay_with_run(server: Server, run: dict[str, Any], wait: bool, follow: bool, timeout_seconds: float) -> int:
    """What `run` and `runs retry` do after the start: print it, then follow or wait if asked."""
    run_id = run["runId"]
    if follow:
        (write_json if server.as_json else print_started)(run)
        ending = follow_run(server, run_id, 0, timeout_seconds, outcome_as_code=wait)
        if not wait:
            return exit_codes.OK
    elif wait:
        if not server.as_json:
            print_started(run)
        ending = wait_for_run(server, run_id, timeout_seconds)
        if server.as_json:
            write_json({**ending, "replayed": run.get("replayed", False)})
        else:
            print_ending(ending)
    else:
        (write_json if server.as_json else print_started)(run)
        return exit_codes.OK
    if not server.as_json:
        explain_ending(ending)
    return exit_codes.of_run(ending)


def show_waited_run(server: Server, run: dict[str, Any], outcome_as_code: bool) -> int:
    """Print the whole run; its outcome is the exit code if asked."""
    if server.as_json:
        write_json(run)
    else:
        print_run(run)
    return exit_codes.of_run(run) if outcome_as_code else exit_codes.OK


@contextlib.contextmanager
def patience_ends_with(
    timeout_seconds: float, run_id: str, outcome_as_code: bool, flag: str = "--follow"
) -> Iterator[None]:
    """Our own timeout is no ending of the run: 1 for a plain follow, 124 where the exit code tells the outcome."""
    try:
        yield
    except WaitTimeout as error:
        raise CommandFailed(
            f"{flag} timed out after {timeout_seconds:g}s waiting for terminal status",
            "STOPPED_WAITING",
            exit_codes.STOPPED_WAITING if outcome_as_code else exit_codes.FAILURE,
            f"the run goes on: mogplex runs events {run_id} --follow",
        ) from error


@contextlib.contextmanager
def ctrl_c_leaves_run(server: Server, run_id: str) -> Iterator[None]:
    """On Ctrl-C ask a person whether to cancel the run; without a person leave it alone and say so."""
    try:
        yield
    except KeyboardInterrupt:
        if can_ask() and _wants_cancel(run_id):
            try:
                server.on_run(run_id, server.client.cancel_run)
                note(f"cancellation requested for run {run_id}")
            except ClientError as error:
                note(f"could not cancel run {run_id}: {error.message}")
        else:
            note(f"interrupted: run {run_id} goes on. mogplex runs events {run_id} --follow")
        raise click.exceptions.Exit(exit_codes.CTRL_C) from None


def _wants_cancel(run_id: str) -> bool:
    try:
        click.echo(f"\nCancel run {run_id}? [y/N]: ", nl=False, err=True)
        _await_answer()
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:  # a second Ctrl-C: just leave
        note("")
        return False


def _await_answer() -> None:
    """Until a line can be read. A Ctrl-C that comes just before a plain read begins to wait would be heard only after
    the next key; the pipe makes it end the waiting at once."""
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    before = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    try:
        select.select([sys.stdin, woken], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(waker)
