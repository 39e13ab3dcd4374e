"""Pull requests on Gitea and Forgejo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mogplex.domain.forge import AlreadyThere, ForgeKind, ForgePlace
from mogplex.domain.pull_request import KnownRequest, Proposal
from mogplex.forges.link import Link

DRAFT = "WIP: "  # by default a title that begins so is what Gitea takes for a draft
LABEL_COLOUR = "#5319e7"
PAGE = 50
MOST_PAGES = 40


class Gitea:
    kind = ForgeKind.GITEA

    def __init__(self, link: Link, place: ForgePlace) -> None:
        self._link = link
        self._path = f"/repos/{place.project}"

    @staticmethod
    def authorisation(token: str) -> Mapping[str, str]:
        return {"Authorization": f"token {token}"}

    def find_requests(self, branch: str) -> Sequence[KnownRequest]:
        """There is no search by branch, so every open one is looked at."""
        found: list[KnownRequest] = []
        for page in range(1, MOST_PAGES + 1):
            query = {"state": "open", "page": page, "limit": PAGE}
            listed = self._link.call("GET", f"{self._path}/pulls", query=query) or []
            found += [_known(each) for each in listed if _is_of(each, branch)]
            if not listed:  # a server may give fewer a page than it is asked for
                break
        return found

    def open_request(self, proposal: Proposal, body: str) -> KnownRequest:
        title = (DRAFT if proposal.draft else "") + proposal.title
        asked = {"head": proposal.branch, "base": proposal.base, "title": title, "body": body}
        return _known(self._link.call("POST", f"{self._path}/pulls", asked))

    def change_request(self, known: KnownRequest, body: str, draft: bool | None) -> None:
        changes = {"body": body}
        if draft is not None and draft != known.draft:
            plain = known.title.removeprefix(DRAFT)
            changes["title"] = DRAFT + plain if draft else plain
        self._link.call("PATCH", f"{self._path}/pulls/{known.number}", changes)

    def label_request(self, known: KnownRequest, labels: Sequence[str]) -> None:
        """Labels go by number there, and are made if there are none of these names."""
        ids = [self._label_id(name) for name in labels]
        self._link.call("POST", f"{self._path}/issues/{known.number}/labels", {"labels": ids})

    def _label_id(self, name: str) -> int:
        found = self._find_label(name)
        if found is not None:
            return found
        try:
            made = self._link.call("POST", f"{self._path}/labels", {"name": name, "color": LABEL_COLOUR})
        except AlreadyThere:
            found = self._find_label(name)
            if found is None:
                raise
            return found
        return int(made["id"])

    def _find_label(self, name: str) -> int | None:
        for page in range(1, MOST_PAGES + 1):
            listed = self._link.call("GET", f"{self._path}/labels", query={"page": page, "limit": PAGE}) or []
            for each in listed:
                if each.get("name") == name:
                    return int(each["id"])
            if not listed:
                break
        return None


def _is_of(found: Mapping[str, Any], branch: str) -> bool:
    head, base = found.get("head") or {}, found.get("base") or {}
    return head.get("ref") == branch and head.get("repo_id") == base.get("repo_id")


def _known(found: Mapping[str, Any]) -> KnownRequest:
    title = str(found["title"])
    return KnownRequest(
        number=int(found["number"]),
        url=str(found["html_url"]),
        base=str(found["base"]["ref"]),
        title=title,
        body=str(found.get("body") or ""),
        draft=found.get("draft") is True or title.startswith(DRAFT),
    )
