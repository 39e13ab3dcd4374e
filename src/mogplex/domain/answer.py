"""What a forge is told about a run that it asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mogplex.domain.hook import ANSWER_MARK
from mogplex.domain.hook_delivery import HookDelivery
from mogplex.domain.quotation import quote_text, tame_text
from mogplex.domain.run import Outcome, Run, Status

MAX_ERROR_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """Of a pull request: its branch, and whether that is the project's own."""

    branch: str
    own: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """`mark` begins a comment, hidden, and tells ours from others. `conclusion` None: not ended yet; else `success`,
    `failure`, `cancelled` or `neutral`."""

    mark: str
    title: str
    text: str
    asked_at: float
    conclusion: str | None = None
    url: str = ""


def write_answer(delivery: HookDelivery, run: Run | None, public_url: str = "") -> Answer:
    """`run` None: there is none, for the reason that the delivery bears."""
    mark = f"{ANSWER_MARK}<!-- {delivery.id} -->"
    if run is None:
        title = "Mogplex started no run"
        text = f"**{title}.**\n\n{quote_text(delivery.refusal or '', MAX_ERROR_CHARACTERS)}"
        return Answer(mark, title, text, delivery.created_at, "neutral")
    url = f"{public_url}/runs/{run.id}" if public_url else ""
    name = f"[`{run.id}`]({url})" if url else f"`{run.id}`"
    by = f", asked for by {tame_text(delivery.wish.person)}"
    if not run.status.is_terminal:
        title = "Mogplex is working on it"
        return Answer(mark, title, f"**{title}**: run {name}{by}.", delivery.created_at, None, url)
    title = _title_of(run)
    parts = [f"**{title}**: run {name}{by}.", f"Checks: {str(run.verdict).replace('_', ' ')}."]
    if run.pull_request_url:
        parts.append(f"Pull request: {run.pull_request_url}")
    elif run.outcome is Outcome.COMPLETED:
        parts.append(f"The work is on the branch `{run.working_branch}`.")
    if run.error:
        parts.append(quote_text(run.error, MAX_ERROR_CHARACTERS))
    if run.failure:
        parts.append(f"What to do: {run.failure.remedy}")
    return Answer(mark, title, "\n\n".join(parts), delivery.created_at, _conclusion_of(run), url)


def _title_of(run: Run) -> str:
    if run.outcome is Outcome.COMPLETED:
        return "Mogplex is done"
    if run.outcome is Outcome.NO_CHANGES:
        return "Mogplex found nothing to change"
    word = "was cancelled" if run.status is Status.CANCELLED else "failed"
    return f"The run of Mogplex {word} ({str(run.outcome).replace('_', ' ')})"


def _conclusion_of(run: Run) -> str:
    if run.outcome is Outcome.NO_CHANGES:
        return "neutral"
    return {Status.SUCCESS: "success", Status.CANCELLED: "cancelled"}.get(run.status, "failure")
