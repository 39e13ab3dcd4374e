"""What the fake forge answers in each dialect, after what the real ones have been seen to answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mogplex.domain.forge import ForgeKind
from tests.forges.fake_forge import PROJECT, Answer, Asked, FakeForge

NOT_FOUND = 404, {"message": "Not Found", "documentation_url": "https://docs.example/rest"}


def speak_github(forge: FakeForge, asked: Asked) -> Answer:
    if asked.path == "/api/graphql":
        return _graphql(forge, asked)
    path = asked.path.removeprefix(f"/repos/{PROJECT}")
    if path == asked.path:
        return NOT_FOUND
    if path == "/pulls" and asked.method == "GET":
        owner, _, branch = asked.query["head"].partition(":")
        found = [each for each in _open(forge, branch) if owner == PROJECT.split("/")[0]]
        return 200, [_github(forge, each) for each in found]
    if path == "/pulls":
        return _github_create(forge, asked.body)
    if (match := re.fullmatch(r"/pulls/(\d+)", path)) and asked.method == "PATCH":
        return 200, _github(forge, _change(forge, int(match[1]), asked.body))
    if match := re.fullmatch(r"/pulls/(\d+)", path):
        head = "eve/widgets" if _find(forge, int(match[1]))["fork"] else PROJECT
        made = _github(forge, _find(forge, int(match[1])))
        return 200, made | {
            "head": {"ref": made["head"]["ref"], "repo": {"full_name": head}},
            "base": {"ref": made["base"]["ref"], "repo": {"full_name": PROJECT}},
        }
    if answered := _answers(forge, asked, path):
        return answered
    if match := re.fullmatch(r"/issues/(\d+)/labels", path):
        labels = _label(forge, int(match[1]), asked.body["labels"])
        return 200, [{"id": number, "name": each} for number, each in enumerate(labels)]
    return NOT_FOUND


def _answers(forge: FakeForge, asked: Asked, path: str) -> Answer | None:
    """Comments, check runs and statuses of commits."""
    if match := re.fullmatch(r"/issues/(\d+)/comments", path):
        if asked.method == "GET":
            return 200, [each for each in forge.comments if each["issue"] == int(match[1])]
        made = {"id": 900 + len(forge.comments), "issue": int(match[1]), "body": asked.body["body"]}
        forge.comments.append(made)
        return 201, made
    if match := re.fullmatch(r"/issues/comments/(\d+)", path):
        (found,) = [each for each in forge.comments if each["id"] == int(match[1])]
        found["body"] = asked.body["body"]
        return 200, found
    if re.fullmatch(r"/commits/[0-9a-f]+/check-runs", path):
        return 200, {"total_count": len(forge.check_runs), "check_runs": forge.check_runs}
    if path.startswith("/check-runs"):
        if not forge.is_app:
            return 403, {"message": "You must authenticate via a GitHub App."}
        if asked.method == "PATCH":
            (found,) = [each for each in forge.check_runs if f"/check-runs/{each['id']}" == path]
            found.update(asked.body)
            return 200, found
        made = {"id": 500 + len(forge.check_runs), **asked.body}
        forge.check_runs.append(made)
        return 201, made
    if path.startswith("/statuses/"):
        forge.statuses.append({"sha": path.rsplit("/", 1)[1], **asked.body})
        return 201, {"id": len(forge.statuses), "state": asked.body["state"]}
    return None


def _github_create(forge: FakeForge, body: dict[str, Any]) -> Answer:
    forge.before_create()
    if any(each["base"] == body["base"] for each in _open(forge, body["head"])):
        said = f"A pull request already exists for {PROJECT.split('/')[0]}:{body['head']}."
        error = {"resource": "PullRequest", "code": "custom", "message": said}
        return 422, {"message": "Validation Failed", "errors": [error], "status": "422"}
    if body.get("draft") and not forge.drafts_allowed:
        said = "Draft pull requests are not supported in this repository."
        return 422, {"message": said, "errors": [{"message": said}], "status": "422"}
    made = forge.add(body["head"], body["base"], title=body["title"], body=body["body"], draft=bool(body.get("draft")))
    return 201, _github(forge, made)


def _github(forge: FakeForge, each: dict[str, Any]) -> dict[str, Any]:
    number = each["number"]
    return {
        "url": f"{forge.api_url}/repos/{PROJECT}/pulls/{number}",
        "id": 1000 + number,
        "node_id": f"PR_{number}",
        "html_url": f"{forge.url}/{PROJECT}/pull/{number}",
        "number": number,
        "state": each["state"],
        "title": each["title"],
        "body": each["body"] or None,
        "draft": each["draft"],
        "head": {"ref": each["branch"], "label": f"acme:{each['branch']}"},
        "base": {"ref": each["base"], "label": f"acme:{each['base']}"},
    }


def _graphql(forge: FakeForge, asked: Asked) -> Answer:
    number = int(asked.body["variables"]["id"].removeprefix("PR_"))
    draft = "convertPullRequestToDraft" in asked.body["query"]
    if draft and not forge.drafts_allowed:
        return 200, {"data": None, "errors": [{"message": "Draft pull requests are not supported"}]}
    _find(forge, number)["draft"] = draft
    return 200, {"data": {"x": {"clientMutationId": None}}}


def speak_gitlab(forge: FakeForge, asked: Asked) -> Answer:
    path = asked.path.removeprefix(f"/projects/{PROJECT}/merge_requests")
    if path == asked.path:
        return 404, {"message": "404 Project Not Found"}
    if path == "" and asked.method == "GET":
        return 200, [_gitlab(forge, each) for each in _open(forge, asked.query["source_branch"], forks=True)]
    if path == "":
        body = asked.body
        forge.before_create()
        if any(each["base"] == body["target_branch"] for each in _open(forge, body["source_branch"])):
            return 409, {"message": ["Another open merge request already exists for this source branch: !1"]}
        made = forge.add(body["source_branch"], body["target_branch"], title=body["title"], body=body["description"])
        return 201, _gitlab(forge, made)
    number = int(path.strip("/"))
    found = _change(forge, number, {**asked.body, "body": asked.body.get("description", _find(forge, number)["body"])})
    if asked.body.get("add_labels"):
        _label(forge, number, asked.body["add_labels"].split(","))
    return 200, _gitlab(forge, found)


def _gitlab(forge: FakeForge, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": 5000 + each["number"],
        "iid": each["number"],
        "project_id": 3,
        "source_project_id": 9 if each["fork"] else 3,
        "target_project_id": 3,
        "state": "opened",
        "title": each["title"],
        "description": each["body"] or None,
        "draft": each["title"].startswith("Draft: "),
        "source_branch": each["branch"],
        "target_branch": each["base"],
        "labels": each["labels"],
        "web_url": f"{forge.url}/{PROJECT}/-/merge_requests/{each['number']}",
    }


def speak_gitea(forge: FakeForge, asked: Asked) -> Answer:
    path = asked.path.removeprefix(f"/repos/{PROJECT}")
    if path == asked.path:
        return NOT_FOUND
    if path == "/pulls" and asked.method == "GET":
        found = [each for each in forge.requests if each["state"] == "open"]
        return 200, [_gitea(forge, each) for each in _page(found, asked)]
    if path == "/pulls":
        body = asked.body
        forge.before_create()
        if any(each["base"] == body["base"] for each in _open(forge, body["head"])):
            return 409, {"message": "pull request already exists for these targets [id: 1, issue_id: 1]", "url": "x"}
        return 201, _gitea(forge, forge.add(body["head"], body["base"], title=body["title"], body=body["body"]))
    if path == "/labels":
        if asked.method == "POST":
            forge.labels[asked.body["name"]] = len(forge.labels) + 1
            return 201, {"id": len(forge.labels), "name": asked.body["name"]}
        return 200, _page([{"id": number, "name": name} for name, number in forge.labels.items()], asked)
    if match := re.fullmatch(r"/pulls/(\d+)", path):
        return 201, _gitea(forge, _change(forge, int(match[1]), asked.body))
    if match := re.fullmatch(r"/issues/(\d+)/labels", path):
        names = [name for name, number in forge.labels.items() if number in asked.body["labels"]]
        return 200, [{"name": each} for each in _label(forge, int(match[1]), names)]
    return NOT_FOUND


def _page(found: list[Any], asked: Asked) -> list[Any]:
    """A server that gives at most two at once, whatever it is asked for."""
    start = (int(asked.query["page"]) - 1) * 2
    return found[start : start + 2]


def _gitea(forge: FakeForge, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": 70 + each["number"],
        "number": each["number"],
        "state": "open",
        "title": each["title"],
        "body": each["body"],
        "draft": each["title"].startswith("WIP: "),
        "html_url": f"{forge.url}/{PROJECT}/pulls/{each['number']}",
        "head": {"ref": each["branch"], "repo_id": 9 if each["fork"] else 3},
        "base": {"ref": each["base"], "repo_id": 3},
    }


def _open(forge: FakeForge, branch: str, *, forks: bool = False) -> list[dict[str, Any]]:
    found = [each for each in forge.requests if each["branch"] == branch and each["state"] == "open"]
    return [each for each in found if forks or not each["fork"]]


def _find(forge: FakeForge, number: int) -> dict[str, Any]:
    return next(each for each in forge.requests if each["number"] == number)


def _change(forge: FakeForge, number: int, body: dict[str, Any]) -> dict[str, Any]:
    found = _find(forge, number)
    found.update({name: body[name] for name in ("title", "body") if name in body})
    return found


def _label(forge: FakeForge, number: int, names: list[str]) -> list[str]:
    found = _find(forge, number)
    found["labels"] += [name for name in names if name not in found["labels"]]
    return list(found["labels"])


SPEAK: dict[ForgeKind, Callable[[FakeForge, Asked], Answer]] = {
    ForgeKind.GITHUB: speak_github,
    ForgeKind.GITLAB: speak_gitlab,
    ForgeKind.GITEA: speak_gitea,
}
