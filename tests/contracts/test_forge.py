"""What every forge adapter owes: one request a branch, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from mogplex.domain.forge import ForgeBusy, ForgeFault, ForgeKind, ForgeSettings
from mogplex.domain.forge_port import Forge
from mogplex.domain.pull_request import Proposal
from mogplex.domain.repo import Repo
from mogplex.domain.secret import OpenSecret, Phase
from mogplex.forges.forges import Forges
from mogplex.forges.proposing import propose
from mogplex.wiring.adapters import open_forges
from tests.forges.fake_forge import PROJECT, TOKEN, FakeForge, Fault, forge_server

PROPOSAL = Proposal("mogplex/run/1", "main", "Mend the clamp", "**Verified**", labels=("mogplex", "bot"))
CREATE = {ForgeKind.GITHUB: "/pulls", ForgeKind.GITLAB: "/merge_requests", ForgeKind.GITEA: "/pulls"}
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture(params=list(ForgeKind))
def fake(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    with forge_server(request.param) as forge:
        yield forge


@pytest.fixture
def forges() -> Forges:
    return open_forges(LOOPBACK)


def open_forge(forges: Forges, fake: FakeForge, token: str = TOKEN) -> Forge:
    settings = ForgeSettings(fake.kind, fake.api_url, PROJECT)
    repo = Repo("repo_1", PROJECT, "/srv/git/widgets", "main", 0.0, 0.0, forge=settings)
    return forges.open(repo, [OpenSecret("FORGE", (Phase.FORGE,), token)])


@pytest.fixture
def forge(forges: Forges, fake: FakeForge) -> Forge:
    return open_forge(forges, fake)


def test_a_request_is_opened_once_and_then_updated(fake: FakeForge, forge: Forge) -> None:
    fake.add("mogplex/run/1", fork=True)  # a fork's branch of the same name is another branch
    fake.add("other"), fake.add("another")
    opened = propose(forge, PROPOSAL)
    assert opened.created and not opened.notes
    assert opened.url.startswith(fake.url) and opened.url.endswith(f"/{opened.number}")
    again = propose(forge, replace(PROPOSAL, section="**Verified** again"))
    assert (again.url, again.created) == (opened.url, False)
    (made,) = [each for each in fake.requests if each["branch"] == PROPOSAL.branch and not each["fork"]]
    assert (made["title"], made["base"], made["draft"]) == ("Mend the clamp", "main", False)
    assert "again" in made["body"] and made["body"].count("**Verified**") == 1
    assert made["labels"] == ["mogplex", "bot"]


def test_what_people_wrote_and_the_title_they_gave_stay(fake: FakeForge, forge: Forge) -> None:
    propose(forge, PROPOSAL)
    made = fake.requests[0]
    made["body"], made["title"] = f"Please look.\n\n{made['body']}\n\nThanks", "A better title"
    propose(forge, replace(PROPOSAL, section="new"))
    assert made["title"] == "A better title"
    assert made["body"].startswith("Please look.") and made["body"].endswith("Thanks")
    assert "new" in made["body"] and "Verified" not in made["body"]


def is_draft(made: dict[str, Any]) -> bool:
    return bool(made["draft"]) or str(made["title"]).startswith(("Draft: ", "WIP: "))


def test_a_draft_becomes_ready_when_it_is_verified_and_back(fake: FakeForge, forge: Forge) -> None:
    propose(forge, replace(PROPOSAL, draft=True))
    made = fake.requests[0]
    assert is_draft(made)
    propose(forge, PROPOSAL)
    assert not is_draft(made) and made["title"] == "Mend the clamp"
    propose(forge, replace(PROPOSAL, draft=True))
    assert is_draft(made)


def test_the_draft_state_of_a_request_that_others_opened_is_theirs(fake: FakeForge, forge: Forge) -> None:
    made = fake.add(PROPOSAL.branch, "develop", title="Mine", body="My words")
    found = propose(forge, replace(PROPOSAL, draft=True))
    assert (found.created, found.number, len(fake.requests)) == (False, made["number"], 1)
    assert not is_draft(made) and made["body"].startswith("My words") and "Verified" in made["body"]


def test_who_is_overtaken_updates_what_the_other_opened(fake: FakeForge, forge: Forge) -> None:
    def overtake() -> None:
        fake.before_create = lambda: None
        fake.add(PROPOSAL.branch)

    fake.before_create = overtake
    assert propose(forge, PROPOSAL).created is False
    assert len(fake.requests) == 1 and "Verified" in fake.requests[0]["body"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_lost_answer_leads_to_no_second_request(fake: FakeForge, forge: Forge, status: int) -> None:
    fake.faults = [Fault("POST", CREATE[fake.kind], status, {"Retry-After": "7"}, lost=True)]
    with pytest.raises(ForgeBusy) as caught:
        propose(forge, PROPOSAL)
    assert caught.value.retry_after_seconds == 7 and str(status) in caught.value.message
    propose(forge, PROPOSAL)
    assert len(fake.requests) == 1


REFUSALS = {
    401: "expired. Set a new one: mogplex repos secrets set",
    403: "needs to write pull requests",
    404: "--forge-project",
    302: "no redirect is followed",
    422: "mend what it complains about",
}


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_a_refusal_says_what_to_do(fake: FakeForge, forge: Forge, status: int) -> None:
    elsewhere = {"Location": f"{fake.url}/elsewhere"}
    fake.faults = [Fault("GET", CREATE[fake.kind], status, elsewhere, {"message": "No, thank you"})]
    with pytest.raises(ForgeFault, match="No, thank you") as caught:
        propose(forge, PROPOSAL)
    assert REFUSALS[status] in caught.value.message and not isinstance(caught.value, ForgeBusy)
    assert TOKEN not in caught.value.message
    assert not [each for each in fake.asked if "elsewhere" in each.path]


def test_a_wrong_token_is_told_apart_from_a_missing_project(forges: Forges, fake: FakeForge) -> None:
    with pytest.raises(ForgeFault, match="401"):
        propose(open_forge(forges, fake, "wrong"), PROPOSAL)


def test_labels_that_cannot_be_set_are_a_note(fake: FakeForge, forge: Forge) -> None:
    fake.faults = [Fault("PUT" if fake.kind is ForgeKind.GITLAB else "POST", part, 403) for part in ("labels",)]
    if fake.kind is ForgeKind.GITLAB:
        fake.faults = [Fault("PUT", "merge_requests", 403)]
    done = propose(forge, PROPOSAL)
    assert done.created and "labels could not be set" in done.notes[0]


def test_a_private_address_is_not_dialled_unless_the_operator_says_so(fake: FakeForge) -> None:
    with pytest.raises(ForgeBusy, match="loopback"):
        propose(open_forge(open_forges(()), fake), PROPOSAL)
    assert not fake.asked


def test_who_was_told_to_stop_changes_nothing(fake: FakeForge, forge: Forge) -> None:
    with pytest.raises(ForgeFault, match="not wanted"):
        propose(forge, PROPOSAL, lambda: False)
    assert not fake.requests


def test_an_answer_that_is_no_json_is_refused(fake: FakeForge, forge: Forge) -> None:
    fake.faults = [Fault("GET", CREATE[fake.kind], 200, body=None)]
    fake.faults[0].body = "text"  # JSON, but nothing that an API says
    with pytest.raises(ForgeFault):
        propose(forge, PROPOSAL)
