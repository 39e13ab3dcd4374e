"""Answers on GitHub that are updated in place: a comment, a check run (for Apps), or a commit's status (for tokens)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from mogplex.domain.answer import Answer, RequestFacts
from mogplex.domain.forge import ForgeFault, ForgePlace
from mogplex.forges.link import Link

NAME = "mogplex"
STATUS_ID = "status"  # a commit's status has no id of its own: it is told again under the same name
MAX_STATUS_CHARACTERS = 140
LOOK_BACK_SECONDS = 300.0
_STATES = {None: "pending", "success": "success", "failure": "failure", "cancelled": "error", "neutral": "success"}


class GitHubAnswers:
    def __init__(self, link: Link, place: ForgePlace) -> None:
        self._link = link
        self._path = f"/repos/{place.project}"
        self._project = place.project

    def get_request(self, number: int) -> RequestFacts:
        """Raises ForgeFault, ForgeBusy."""
        found = self._link.call("GET", f"{self._path}/pulls/{number}")
        head = found["head"].get("repo") or {}  # gone when the fork was deleted
        return RequestFacts(str(found["head"]["ref"]), head.get("full_name") == found["base"]["repo"]["full_name"])

    def put_comment(self, number: int, answer: Answer, known: str | None) -> str:
        """The comment's id. `answer.mark` finds it when an earlier try left none. Raises ForgeFault, ForgeBusy."""
        body = {"body": f"{answer.mark}\n{answer.text}"}
        comment_id = known or self._find_comment(number, answer)
        if comment_id is not None:
            return str(self._link.call("PATCH", f"{self._path}/issues/comments/{comment_id}", body)["id"])
        return str(self._link.call("POST", f"{self._path}/issues/{number}/comments", body)["id"])

    def put_check(self, sha: str, answer: Answer, known: str | None) -> str:
        """The check run's id, or STATUS_ID. Raises ForgeFault, ForgeBusy."""
        if known != STATUS_ID:
            try:
                return self._put_check_run(sha, answer, known)
            except ForgeFault as fault:
                if fault.status not in (403, 404):  # only Apps may make check runs
                    raise
        status = {
            "state": _STATES[answer.conclusion],
            "context": NAME,
            "description": answer.title[:MAX_STATUS_CHARACTERS],
            **({"target_url": answer.url} if answer.url else {}),
        }
        self._link.call("POST", f"{self._path}/statuses/{quote(sha, safe='')}", status)
        return STATUS_ID

    def _put_check_run(self, sha: str, answer: Answer, known: str | None) -> str:
        body = {
            "name": NAME,
            "head_sha": sha,
            "external_id": answer.mark,
            "output": {"title": answer.title, "summary": answer.text},
            **({"details_url": answer.url} if answer.url else {}),
        }
        if answer.conclusion is None:
            body["status"] = "in_progress"
        else:
            body |= {"status": "completed", "conclusion": answer.conclusion}
        if known is not None:
            return str(self._link.call("PATCH", f"{self._path}/check-runs/{known}", body)["id"])
        query = {"check_name": NAME, "per_page": 100}
        listed = self._link.call("GET", f"{self._path}/commits/{quote(sha, safe='')}/check-runs", query=query)
        mine = [each["id"] for each in listed["check_runs"] if each.get("external_id") == answer.mark]
        if mine:
            return str(self._link.call("PATCH", f"{self._path}/check-runs/{mine[0]}", body)["id"])
        return str(self._link.call("POST", f"{self._path}/check-runs", body)["id"])

    def _find_comment(self, number: int, answer: Answer) -> int | None:
        since = datetime.fromtimestamp(answer.asked_at - LOOK_BACK_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"since": since, "per_page": 100}
        listed = self._link.call("GET", f"{self._path}/issues/{number}/comments", query=query)
        mine = [int(each["id"]) for each in listed if str(each.get("body") or "").startswith(answer.mark)]
        return mine[0] if mine else None
