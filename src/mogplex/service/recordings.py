"""Recorded model traffic: cleaned, kept, and given back for a replay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mogplex.domain.access import Caller
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.recording import RecordedCall
from mogplex.domain.run import Run
from mogplex.domain.sanitiser import Sanitiser
from mogplex.service.events import visible_run
from mogplex.service.known_secrets import KnownSecrets
from mogplex.store import recordings as recording_table
from mogplex.store import repos as repo_table
from mogplex.store.database import Database, Transaction

MAX_RUN_BYTES = 64 * 1024 * 1024
MAX_RUN_CALLS = 1000


class Recordings:
    def __init__(self, database: Database, known_secrets: KnownSecrets) -> None:
        self._database = database
        self._known_secrets = known_secrets

    def open_sanitiser_of(self, run: Run) -> Sanitiser:
        """One that knows the secrets of the run and its repo."""
        with self._database.read() as tx:
            return self._known_secrets.sanitiser_of(tx, run, repo_table.get(tx, run.repo_id))

    def last_number(self, run: Run) -> int:
        with self._database.read() as tx:
            return recording_table.last_number(tx, run.id)

    def keep(self, run: Run, number: int, call: RecordedCall) -> None:
        """Write down what `clean_call` gave."""
        with self._database.write() as tx:
            recording_table.insert(tx, run.id, number, call)

    def load(self, run_id: str) -> list[RecordedCall]:
        """Raises BadRequest when there is nothing to replay."""
        with self._database.read() as tx:
            calls = recording_table.select(tx, run_id)
        if not calls:
            raise _no_recording(run_id)
        return calls


def require_recording(tx: Transaction, caller: Caller, run_id: str, repo_id: str) -> None:
    """Raises BadRequest, NotFound: a replay needs a recorded run of the same repo, which the caller may see."""
    recorded = visible_run(tx, caller, run_id)
    if recorded.repo_id != repo_id:
        message = f"replayOf: {run_id} is a run of {recorded.repo_full_name}, another repo."
        raise BadRequest(message, [Detail("replayOf", message)])
    if not recording_table.count(tx, run_id):
        raise _no_recording(run_id)


def clean_recorded(call: RecordedCall, sanitiser: Sanitiser) -> RecordedCall:
    """Without anything secret. What is secret only when the pieces of a stream are put together makes it withheld."""
    request = clean_json(call.request, sanitiser)
    lines = call.answer.decode("utf-8", "replace").split("\n")
    if "event-stream" not in call.content_type:
        return replace(call, request=request, answer=clean_json("\n".join(lines), sanitiser).encode())
    cleaned, spoken = [], []
    for line in lines:
        if line.startswith("data:"):
            text = clean_json(line[5:].strip(), sanitiser)
            cleaned.append(f"data: {text}")
            spoken.append(text)
        else:
            cleaned.append(_clean(line, sanitiser))
    joined = _join_pieces(spoken)
    if _clean(joined, sanitiser) != joined:
        return replace(call, request=request, answer=b"", withheld=True)
    return replace(call, request=request, answer="\n".join(cleaned).encode())


def clean_json(text: str, sanitiser: Sanitiser) -> str:
    """JSON stays JSON: its strings are cleaned one by one."""
    try:
        return json.dumps(_walk(json.loads(text), sanitiser), ensure_ascii=False)
    except (ValueError, RecursionError):
        return _clean(text, sanitiser)


def _walk(value: Any, sanitiser: Sanitiser) -> Any:
    if isinstance(value, str):
        return _clean(value, sanitiser)
    if isinstance(value, Mapping):
        return {_clean(str(name), sanitiser): _walk(each, sanitiser) for name, each in value.items()}
    if isinstance(value, list):
        return [_walk(each, sanitiser) for each in value]
    return value


def _clean(text: str, sanitiser: Sanitiser) -> str:
    return sanitiser.text(text, len(text.encode("utf-8", "replace")) * 4 + 1000) if text else text


def _join_pieces(records: list[str]) -> str:
    """The text that the pieces of a stream add up to, in whatever field they come."""
    pieces: list[str] = []
    for record in records:
        try:
            pieces += _short_strings(json.loads(record))
        except (ValueError, RecursionError):
            continue
    return "".join(pieces)


def _short_strings(value: Any) -> list[str]:
    names = ("delta", "text", "thinking", "partial_json", "content", "arguments", "reasoning_content")
    if isinstance(value, list):
        return [piece for each in value for piece in _short_strings(each)]
    if not isinstance(value, Mapping):
        return []
    found: list[str] = []
    for name, each in value.items():
        if isinstance(each, str):
            found += [each] if name in names else []
        else:
            found += _short_strings(each)
    return found


def _no_recording(run_id: str) -> BadRequest:
    message = f"{run_id} has no recorded model traffic: start it with --record to be able to replay it."
    return BadRequest(message, [Detail("replayOf", message)])
