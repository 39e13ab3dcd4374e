"""A GitHub App's tokens: signed for, kept until near their end, asked anew when they are refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mogplex.domain.forge import ForgeFault, ForgeKind, ForgePlace, ForgeSettings
from mogplex.domain.github_app import AppKey
from mogplex.domain.pull_request import Proposal
from mogplex.domain.repo import Repo
from mogplex.domain.secret import OpenSecret, Phase
from mogplex.forges.app_tokens import SPARE_SECONDS, AppTokens
from mogplex.forges.forges import Forges
from mogplex.forges.proposing import propose
from mogplex.wiring.adapters import open_forges
from tests.forges.fake_forge import PROJECT, Answer, Asked, FakeForge, forge_server

KEY = generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
APP = json.dumps({"appId": 42, "privateKey": PEM})
HOUR = 3600.0


class AppSide:
    """GitHub's side of an App: verifies what it signed, and hands out numbered tokens."""

    def __init__(self, fake: FakeForge, key: RSAPrivateKey = KEY) -> None:
        self.fake = fake
        self.public = key.public_key()
        self.given: list[dict[str, object]] = []
        self.now = 1_800_000_000.0

    def answer(self, asked: Asked) -> Answer | None:
        if asked.path == f"/repos/{PROJECT}/installation":
            return 200, {"id": 7, "app_id": self._verify(asked)}
        if asked.path == "/app/installations/7/access_tokens":
            self._verify(asked)
            token = f"ghs_{len(self.given):036d}"
            self.given.append(asked.body)
            self.fake.tokens.add(token)
            ends = datetime.fromtimestamp(self.now + HOUR, UTC)
            return 201, {"token": token, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "permissions": {}}
        return None

    def _verify(self, asked: Asked) -> int:
        token = asked.headers["authorization"].removeprefix("Bearer ")
        signed, _, signature = token.rpartition(".")
        self.public.verify(_decode(signature), signed.encode(), PKCS1v15(), SHA256())
        claims = json.loads(_decode(signed.split(".")[1]))
        assert claims["iat"] < self.now < claims["exp"] <= claims["iat"] + 600
        return int(claims["iss"])


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def fake() -> Iterator[FakeForge]:
    with forge_server(ForgeKind.GITHUB) as forge:
        yield forge


@pytest.fixture
def side(fake: FakeForge) -> AppSide:
    side = AppSide(fake)
    fake.app = side.answer
    return side


@pytest.fixture
def forges(side: AppSide) -> Forges:
    send = open_forges((ip_network("127.0.0.0/8"),)).send
    return Forges(send, AppTokens(send, lambda: side.now))


def repo_at(fake: FakeForge, clone_url: str = "/srv/git/widgets") -> Repo:
    settings = ForgeSettings(fake.kind, fake.api_url, PROJECT)
    return Repo("repo_1", PROJECT, clone_url, "main", 0.0, 0.0, forge=settings)


def test_an_app_opens_requests_with_a_token_for_the_one_project(fake: FakeForge, side: AppSide, forges: Forges) -> None:
    secret = OpenSecret("FORGE", (Phase.FORGE,), APP)
    proposal = Proposal("b", "main", "T", "S")
    propose(forges.open(repo_at(fake), [secret]), proposal)
    propose(forges.open(repo_at(fake), [secret]), proposal)
    assert side.given == [{"repositories": ["widgets"]}]  # one token for all of it
    assert len(fake.requests) == 1


def test_a_token_is_used_until_shortly_before_its_end(fake: FakeForge, side: AppSide, forges: Forges) -> None:
    repo = repo_at(fake, f"{fake.url}/{PROJECT}.git")
    secrets = [OpenSecret("GIT", (Phase.GIT,), APP)]
    first = forges.git_credential(repo, secrets)
    side.now += HOUR - SPARE_SECONDS - 1
    assert forges.git_credential(repo, secrets) == first
    side.now += 1
    second = forges.git_credential(repo, secrets)
    assert first and second and first.token != second.token and second.app is None
    assert second.pair == f"x-access-token:{second.token}"


def test_a_token_that_was_revoked_is_asked_anew(fake: FakeForge, side: AppSide, forges: Forges) -> None:
    secret = OpenSecret("FORGE", (Phase.FORGE,), APP)
    forge = forges.open(repo_at(fake), [secret])
    forge.find_requests("b")
    fake.tokens.clear()
    forge.find_requests("b")
    assert len(side.given) == 2


def test_an_app_is_shown_to_its_own_host_only(fake: FakeForge, forges: Forges) -> None:
    git = [OpenSecret("GIT", (Phase.GIT,), APP)]
    with pytest.raises(ForgeFault, match="no credential"):
        forges.open(repo_at(fake, "https://elsewhere.example/acme/widgets"), git)
    with pytest.raises(ForgeFault, match="another host"):
        forges.git_credential(repo_at(fake, "https://elsewhere.example/acme/widgets"), git)
    assert not fake.asked


def test_an_app_that_is_not_installed_there_is_told(fake: FakeForge) -> None:
    fake.app = lambda asked: (404, {"message": "Not Found"})
    place = ForgePlace(ForgeKind.GITHUB, fake.api_url, PROJECT)
    with pytest.raises(ForgeFault, match="no such project, or the credential may not see it") as caught:
        AppTokens(open_forges((ip_network("127.0.0.0/8"),)).send).get(AppKey.of(APP), place)
    assert "PRIVATE" not in caught.value.message


BAD = {
    "no JSON": "{",
    "unknown": '{"appId": 1, "privateKey": "-----BEGIN RSA PRIVATE KEY-----", "x": 1}',
    "no id": '{"privateKey": "-----BEGIN RSA PRIVATE KEY-----"}',
    "no key": '{"appId": 1, "privateKey": "secret"}',
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_what_is_no_app_is_refused_without_being_shown(kind: str) -> None:
    with pytest.raises(ValueError) as caught:
        AppKey.of(BAD[kind])
    assert "secret" not in str(caught.value)
