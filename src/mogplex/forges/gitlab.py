"""Merge requests on GitLab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mogplex.domain.forge import ForgeKind, ForgePlace
from mogplex.domain.pull_request import KnownRequest, Proposal
from mogplex.forges.link import Link

DRAFT = "Draft: "


class GitLab:
    kind = ForgeKind.GITLAB

    def __init__(self, link: Link, place: ForgePlace) -> None:
        self._link = link
        self._path = f"/projects/{place.escaped_project}/merge_requests"

    @staticmethod
    def authorisation(token: str) -> Mapping[str, str]:
        """Personal, group and project tokens are taken as those of OAuth are."""
        return {"Authorization": f"Bearer {token}"}

    def find_requests(self, branch: str) -> Sequence[KnownRequest]:
        query = {"state": "opened", "source_branch": branch, "per_page": 100}
        found = self._link.call("GET", self._path, query=query)
        return [_known(each) for each in found if each.get("source_project_id") == each.get("target_project_id")]

    def open_request(self, proposal: Proposal, body: str) -> KnownRequest:
        title = (DRAFT if proposal.draft else "") + proposal.title
        asked = {"source_branch": proposal.branch, "target_branch": proposal.base, "title": title, "description": body}
        return _known(self._link.call("POST", self._path, asked))

    def change_request(self, known: KnownRequest, body: str, draft: bool | None) -> None:
        changes = {"description": body}
        if draft is not None and draft != known.draft:
            plain = known.title.removeprefix(DRAFT)
            changes["title"] = DRAFT + plain if draft else plain
        self._link.call("PUT", f"{self._path}/{known.number}", changes)

    def label_request(self, known: KnownRequest, labels: Sequence[str]) -> None:
        self._link.call("PUT", f"{self._path}/{known.number}", {"add_labels": ",".join(labels)})


def _known(found: Mapping[str, Any]) -> KnownRequest:
    return KnownRequest(
        number=int(found["iid"]),
        url=str(found["web_url"]),
        base=str(found["target_branch"]),
        title=str(found["title"]),
        body=str(found.get("description") or ""),
        draft=found.get("draft") is True or str(found["title"]).startswith(DRAFT),
    )
