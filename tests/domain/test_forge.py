"""Where pull requests of a repo are opened, and the part of their text that is ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.errors import BadRequest
from mogplex.domain.forge import ForgeKind, ForgeSettings, locate
from mogplex.domain.pull_request import KnownRequest, Proposal, draft_of, write_body

FOUND = {
    "https://github.com/acme/web.git": ("github", "https://api.github.com", "acme/web"),
    "git@github.com:acme/web.git": ("github", "https://api.github.com", "acme/web"),
    "ssh://git@github.example.org:2222/acme/web": ("github", "https://github.example.org/api/v3", "acme/web"),
    "https://acme.ghe.com/acme/web": ("github", "https://api.acme.ghe.com", "acme/web"),
    "https://gitlab.com/a/b/c.git": ("gitlab", "https://gitlab.com/api/v4", "a/b/c"),
    "https://gitlab.example.org/a/b": ("gitlab", "https://gitlab.example.org/api/v4", "a/b"),
    "https://codeberg.org/a/b": ("gitea", "https://codeberg.org/api/v1", "a/b"),
    "git@forgejo.example.org:a/b.git": ("gitea", "https://forgejo.example.org/api/v1", "a/b"),
}


@pytest.mark.parametrize("clone_url", sorted(FOUND))
def test_the_forge_is_found_from_the_clone_url(clone_url: str) -> None:
    place = locate(clone_url, ForgeSettings())
    assert (place.kind, place.api_url, place.project) == FOUND[clone_url]
    assert place.own_host


NOT_FOUND = {
    "https://git.example.org/a/b": (ForgeSettings(), "--forge github|gitlab|gitea"),
    "/srv/git/a": (ForgeSettings(), "--forge"),
    "/srv/git/b": (ForgeSettings(ForgeKind.GITEA), "--forge-url"),
    "/srv/git/c": (ForgeSettings(ForgeKind.GITEA, "https://x/api/v1"), "--forge-project"),
    "https://github.com/alone": (ForgeSettings(), "--forge-project"),
    "https://github.com/../x": (ForgeSettings(), "--forge-project"),
}


@pytest.mark.parametrize("clone_url", sorted(NOT_FOUND))
def test_what_cannot_be_told_names_the_setting(clone_url: str) -> None:
    settings, named = NOT_FOUND[clone_url]
    with pytest.raises(BadRequest, match=named.replace("|", r"\|")):
        locate(clone_url, settings)


def test_what_the_owner_settled_wins_and_git_s_token_is_not_for_another_host() -> None:
    settings = ForgeSettings(ForgeKind.GITEA, "https://api.elsewhere.org/api/v1/", "x/y")
    place = locate("https://github.com/acme/web", settings)
    assert (place.kind, place.api_url, place.project) == ("gitea", "https://api.elsewhere.org/api/v1", "x/y")
    assert not place.own_host
    assert ForgeSettings.of(settings.as_wire()) == settings


PROPOSAL = Proposal("b", "main", "T", "ours")
TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="<")).map(str.strip)


@given(before=TEXTS, after=TEXTS, first=TEXTS, second=TEXTS)
def test_our_section_is_replaced_and_nothing_else(before: str, after: str, first: str, second: str) -> None:
    body = f"{before}{write_body(replace(PROPOSAL, section=first))}{after}"
    changed = write_body(replace(PROPOSAL, section=second), body)
    assert changed == f"{before}{write_body(replace(PROPOSAL, section=second))}{after}"


def test_only_a_draft_of_ours_is_made_ready() -> None:
    drafted = write_body(replace(PROPOSAL, draft=True))
    ready = write_body(PROPOSAL)
    known = KnownRequest(1, "u", "main", "T", drafted, draft=True)
    assert draft_of(PROPOSAL, known) is False
    assert draft_of(PROPOSAL, replace(known, body=ready)) is None  # a person made it a draft
    assert draft_of(replace(PROPOSAL, draft=True), replace(known, body=ready)) is True
    assert draft_of(replace(PROPOSAL, draft=True), replace(known, body="a person's")) is None
