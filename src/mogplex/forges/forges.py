"""The forges of every repo: which adapter, with which credential. What is secret stays in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mogplex.domain.errors import BadRequest
from mogplex.domain.exchange import Send
from mogplex.domain.forge import ForgeFault, ForgeKind, ForgePlace, locate
from mogplex.domain.forge_port import Forge
from mogplex.domain.github_app import AppKey
from mogplex.domain.repo import Repo
from mogplex.domain.secret import (
    TOKEN_USER,
    GitCredential,
    OpenSecret,
    forge_credential_of,
    git_credential_of,
)
from mogplex.forges import ADAPTERS
from mogplex.forges.app_tokens import AppTokens
from mogplex.forges.github_answers import GitHubAnswers
from mogplex.forges.link import SET_TOKEN, Link


class Forges:
    """Thread-safe; every method may ask the forge and so may take seconds."""

    def __init__(self, send: Send, tokens: AppTokens | None = None) -> None:
        self.send = send
        self._tokens = tokens or AppTokens(send)

    def open(self, repo: Repo, secrets: Sequence[OpenSecret]) -> Forge:
        """Raises ForgeFault when the repo's forge is not known, or nothing is there to show it."""
        place, link = self._connect(repo, secrets)
        return ADAPTERS[place.kind](link, place)

    def _connect(self, repo: Repo, secrets: Sequence[OpenSecret]) -> tuple[ForgePlace, Link]:
        try:
            place = locate(repo.clone_url, repo.forge)
        except BadRequest as fault:
            raise ForgeFault(fault.message) from fault
        credential = forge_credential_of(secrets, own_host=place.own_host)
        if credential is None:
            raise ForgeFault(
                f"{repo.full_name} has no credential for {place.api_url}. Set a token, or a GitHub App: {SET_TOKEN}"
            )
        adapter = ADAPTERS[place.kind]
        app = credential.app
        if app is None:
            token = credential.token or ""
            return place, Link(self.send, place.api_url, lambda: adapter.authorisation(token))
        known = _require_github(app, place)
        link = Link(
            self.send,
            place.api_url,
            lambda: adapter.authorisation(self._tokens.get(known, place)),
            lambda: self._tokens.forget(known, place),
        )
        return place, link

    def open_answers(self, repo: Repo, secrets: Sequence[OpenSecret]) -> GitHubAnswers:
        """For what a repo's hook asked for. Raises ForgeFault."""
        place, link = self._connect(repo, secrets)
        if place.kind is not ForgeKind.GITHUB:
            raise ForgeFault(f"{place.api_url} is no GitHub: hooks of others are not known.")
        return GitHubAnswers(link, place)

    def git_credential(self, repo: Repo, secrets: Sequence[OpenSecret]) -> GitCredential | None:
        """What git is to show the remote now; of an App a token, which lives at least ten minutes.

        Raises ForgeFault, ForgeBusy when GitHub gives none.
        """
        return self.settle(git_credential_of(secrets), repo.clone_url, lambda: locate(repo.clone_url, repo.forge))

    def settle(
        self, credential: GitCredential | None, clone_url: str, find_place: Callable[[], ForgePlace]
    ) -> GitCredential | None:
        """`credential` as git can use it; `find_place` is asked only for an App. Raises ForgeFault, ForgeBusy."""
        if credential is None or credential.app is None:
            return credential
        try:
            place = find_place()
        except BadRequest as fault:
            raise ForgeFault(fault.message) from fault
        if not place.own_host:
            raise ForgeFault(f"The git credential of {clone_url} is a GitHub App, but {place.api_url} is another host.")
        token = self._tokens.get(_require_github(credential.app, place), place)
        return replace(credential, user=TOKEN_USER, token=token, app=None)


def _require_github(app: AppKey, place: ForgePlace) -> AppKey:
    if place.kind is not ForgeKind.GITHUB:
        raise ForgeFault(f"{place.api_url} is no GitHub, so the GitHub App {app.app_id} is no use there: set a token.")
    return app
