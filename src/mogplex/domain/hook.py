"""What may start a run from a forge, and what a forge's message asks for. Pure: nothing is looked up here.

Texts of people who may not start runs never get into a prompt: whoever sets the label vouches for the text below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mogplex.domain.run import Delivery

COMMAND = "/mogplex"
ANSWER_MARK = "<!-- mogplex:answer -->"
DEFAULT_LABEL = "mogplex-run"
DEFAULT_ASSOCIATIONS = ("OWNER", "MEMBER", "COLLABORATOR")
MAX_TASK_CHARACTERS = 20_000
_FAILURES = ("failure", "timed_out")


class Trigger(StrEnum):
    """What starts a run."""

    COMMENT = "comment"  # one that begins with /mogplex
    LABEL = "label"
    WORKFLOW = "workflow"  # one that failed


@dataclass(frozen=True, slots=True)
class HookSettings:
    """`on` empty: nothing starts a run. `people`: the only logins that may; empty: `associations` decides about
    comments, and whoever may set labels there about labels."""

    on: tuple[Trigger, ...] = ()
    label: str = DEFAULT_LABEL
    people: tuple[str, ...] = ()
    associations: tuple[str, ...] = DEFAULT_ASSOCIATIONS
    delivery: Delivery = Delivery.PULL_REQUEST

    def as_wire(self) -> dict[str, Any]:
        return {
            "on": list(self.on),
            "label": self.label,
            "people": list(self.people),
            "associations": list(self.associations),
            "delivery": self.delivery,
        }

    @staticmethod
    def of(wire: Mapping[str, Any]) -> HookSettings:
        if not wire:
            return HookSettings()
        return HookSettings(
            tuple(Trigger(each) for each in wire["on"]),
            wire["label"],
            tuple(wire["people"]),
            tuple(wire["associations"]),
            Delivery(wire["delivery"]),
        )

    def allows(self, login: str, association: str | None) -> bool:
        """`association` None: the forge lets only people with rights do what they did."""
        if self.people:
            return login.lower() in (each.lower() for each in self.people)
        return association is None or association in self.associations


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that is asked for. `number` is of an issue or a pull request (`on_request`); `branch` is where the work
    starts, None: to be asked from the forge, or the default branch. `subject` names what must not be done twice."""

    trigger: Trigger
    task: str
    person: str
    number: int | None = None
    on_request: bool = False
    branch: str | None = None
    sha: str | None = None
    subject: str | None = None

    def as_wire(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def of(wire: Mapping[str, Any]) -> Wish:
        return Wish(**{**wire, "trigger": Trigger(wire["trigger"])})


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing is to be done; `reason` is told to the forge, which shows it to the owner of the hook."""

    reason: str


def read_message(event: str, body: Mapping[str, Any], settings: HookSettings) -> Wish | Ignored:
    """Raises KeyError, TypeError, AttributeError or ValueError for a message of another shape than GitHub's."""
    if event in ("issue_comment", "pull_request_review_comment"):
        return _of_comment(event, body, settings)
    if event in ("issues", "pull_request"):
        return _of_label(event, body, settings)
    if event == "workflow_run":
        return _of_workflow(body, settings)
    return Ignored(f"the event {event[:60]!r} starts nothing")


def _of_comment(event: str, body: Mapping[str, Any], settings: HookSettings) -> Wish | Ignored:
    comment = body["comment"]
    text = str(comment["body"] or "").strip()
    word, _, task = text.partition("\n") if "\n" in text.split(" ", 1)[0] else text.partition(" ")
    if Trigger.COMMENT not in settings.on:
        return Ignored("comments start no runs of this repo")
    if body["action"] != "created" or word.strip() != COMMAND or not task.strip():
        return Ignored(f"no new comment that begins with {COMMAND} and says what to do")
    if comment["user"].get("type") == "Bot" or "<!-- mogplex:" in text:
        return Ignored("it was written by a program")
    person = str(comment["user"]["login"])
    if not settings.allows(person, str(comment.get("author_association"))):
        return Ignored(f"{person} may not start runs here")
    if event == "pull_request_review_comment":
        request = body["pull_request"]
        if (refusal := _fork_fault(request)) is not None:
            return refusal
        asked = f"{task.strip()}\n\nThis is about {comment['path']}, as commented on at {comment['html_url']}"
        return Wish(Trigger.COMMENT, _cut(asked), person, int(request["number"]), True, str(request["head"]["ref"]))
    issue = body["issue"]
    asked = f"{task.strip()}\n\nIt was asked at {comment['html_url']}"
    return Wish(Trigger.COMMENT, _cut(asked), person, int(issue["number"]), issue.get("pull_request") is not None)


def _of_label(event: str, body: Mapping[str, Any], settings: HookSettings) -> Wish | Ignored:
    if Trigger.LABEL not in settings.on:
        return Ignored("labels start no runs of this repo")
    if body["action"] != "labeled" or body["label"]["name"] != settings.label:
        return Ignored(f"not the label {settings.label!r} being set")
    sender = body["sender"]
    if sender.get("type") == "Bot":
        return Ignored("it was set by a program")
    person = str(sender["login"])
    if not settings.allows(person, None):
        return Ignored(f"{person} may not start runs here")
    about = body["issue"] if event == "issues" else body["pull_request"]
    task = _cut(f"{about['title']}\n\n{about.get('body') or ''}".strip() + f"\n\nIt is {about['html_url']}")
    if event == "issues":
        return Wish(Trigger.LABEL, task, person, int(about["number"]))
    if (refusal := _fork_fault(about)) is not None:
        return refusal
    if "<!-- mogplex:" in str(about.get("body") or ""):
        return Ignored("the pull request is one of Mogplex")
    return Wish(Trigger.LABEL, task, person, int(about["number"]), True, str(about["head"]["ref"]))


def _of_workflow(body: Mapping[str, Any], settings: HookSettings) -> Wish | Ignored:
    if Trigger.WORKFLOW not in settings.on:
        return Ignored("failed workflows start no runs of this repo")
    run = body["workflow_run"]
    if body["action"] != "completed" or run["conclusion"] not in _FAILURES:
        return Ignored("no workflow run that has failed")
    if (run.get("head_repository") or {}).get("full_name") != body["repository"]["full_name"]:
        return Ignored("it ran on a fork, whose code starts nothing here")
    branch, sha, name = str(run["head_branch"]), str(run["head_sha"]), str(run["name"])
    task = (
        f"The workflow {name!r} has failed on the branch {branch} at {sha}: {run['html_url']}\n"
        "Find the cause in the code of this repo and make the smallest change that mends it."
    )
    person = str((run.get("actor") or body["sender"])["login"])
    return Wish(Trigger.WORKFLOW, task, person, None, False, branch, sha, f"{name}@{sha}"[:300])


def _fork_fault(request: Mapping[str, Any]) -> Ignored | None:
    head, base = request["head"].get("repo") or {}, request["base"]["repo"]
    if head.get("full_name") == base["full_name"]:
        return None
    return Ignored("it is a fork's pull request, whose code starts nothing here")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TASK_CHARACTERS else text[: MAX_TASK_CHARACTERS - 1] + "…"
