"""Pull requests on GitHub and GitHub Enterprise, over REST; drafts change over GraphQL, which alone can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mogplex.domain.forge import AlreadyThere, ForgeFault, ForgeKind, ForgePlace
from mogplex.domain.pull_request import KnownRequest, Proposal
from mogplex.forges.link import Link

VERSION = "2022-11-28"
NOT_VERIFIED = "[not verified] "
_READY = "mutation($id:ID!){markPullRequestReadyForReview(input:{pullRequestId:$id}){clientMutationId}}"
_DRAFT = "mutation($id:ID!){convertPullRequestToDraft(input:{pullRequestId:$id}){clientMutationId}}"


class GitHub:
    kind = ForgeKind.GITHUB

    def __init__(self, link: Link, place: ForgePlace) -> None:
        self._link = link
        self._place = place
        self._path = f"/repos/{place.project}"

    @staticmethod
    def authorisation(token: str) -> Mapping[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }

    def find_requests(self, branch: str) -> Sequence[KnownRequest]:
        query = {"state": "open", "head": f"{self._place.owner}:{branch}", "per_page": 100}
        return [_known(each) for each in self._link.call("GET", f"{self._path}/pulls", query=query)]

    def open_request(self, proposal: Proposal, body: str) -> KnownRequest:
        asked = {"head": proposal.branch, "base": proposal.base, "title": proposal.title, "body": body}
        path = f"{self._path}/pulls"
        try:
            return _known(self._link.call("POST", path, {**asked, "draft": proposal.draft}))
        except AlreadyThere:
            raise
        except ForgeFault as fault:
            # Private repos of some plans have no drafts; then the title says that nothing vouches for the change.
            if not proposal.draft or "draft" not in fault.message.lower():
                raise
            return _known(self._link.call("POST", path, {**asked, "title": NOT_VERIFIED + proposal.title}))

    def change_request(self, known: KnownRequest, body: str, draft: bool | None) -> None:
        changes = {"body": body}
        if known.title.startswith(NOT_VERIFIED) and draft is False:
            changes["title"] = known.title.removeprefix(NOT_VERIFIED)
        self._link.call("PATCH", f"{self._path}/pulls/{known.number}", changes)
        if draft is not None and draft != known.draft:
            self._set_draft(known, draft)

    def label_request(self, known: KnownRequest, labels: Sequence[str]) -> None:
        self._link.call("POST", f"{self._path}/issues/{known.number}/labels", {"labels": list(labels)})

    def _set_draft(self, known: KnownRequest, draft: bool) -> None:
        query = {"query": _DRAFT if draft else _READY, "variables": {"id": known.node}}
        # Beside api.github.com's root it is /graphql, beside an own server's /api/v3 it is /api/graphql.
        answer = self._link.call("POST", "/graphql", query, api_url=self._place.api_url.removesuffix("/v3"))
        if isinstance(answer, Mapping) and answer.get("errors"):
            said = "; ".join(str(each.get("message", each))[:200] for each in answer["errors"][:3])
            raise ForgeFault(f"{self._link.host} would not change the draft state of {known.url}: {said}")


def _known(found: Mapping[str, Any]) -> KnownRequest:
    return KnownRequest(
        number=int(found["number"]),
        url=str(found["html_url"]),
        base=str(found["base"]["ref"]),
        title=str(found["title"]),
        body=str(found.get("body") or ""),
        draft=found.get("draft") is True,
        node=str(found.get("node_id") or ""),
    )
