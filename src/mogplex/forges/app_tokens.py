"""Tokens of a GitHub App: for one project each, an hour long, kept until shortly before their end."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mogplex.domain.exchange import Send
from mogplex.domain.forge import ForgeFault, ForgePlace
from mogplex.domain.github_app import AppKey
from mogplex.forges.link import Link

SPARE_SECONDS = 600.0  # a token is not used for longer than till so long before its end
JWT_SECONDS = 540  # GitHub takes at most 600
SKEW_SECONDS = 60  # of our clock against GitHub's
_Key = tuple[str, str, str, int | None]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    expires_at: float


class AppTokens:
    """Thread-safe. Raises ForgeFault or ForgeBusy when GitHub gives none."""

    def __init__(self, send: Send, now: Callable[[], float] = time.time) -> None:
        self._send = send
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[_Key, _Token] = {}

    def get(self, app: AppKey, place: ForgePlace) -> str:
        with self._lock:
            kept = self._kept.get(_key(app, place))
        if kept is not None and kept.expires_at - self._now() > SPARE_SECONDS:
            return kept.text
        fresh = self._fetch(app, place)
        with self._lock:
            self._kept[_key(app, place)] = fresh
        return fresh.text

    def forget(self, app: AppKey, place: ForgePlace) -> None:
        with self._lock:
            self._kept.pop(_key(app, place), None)

    def _fetch(self, app: AppKey, place: ForgePlace) -> _Token:
        link = Link(self._send, place.api_url, lambda: _headers(sign(app, self._now())))
        installation = app.installation_id
        if installation is None:
            installation = int(link.call("GET", f"/repos/{place.project}/installation")["id"])
        only = {"repositories": [place.project.rsplit("/", 1)[-1]]}  # whatever else the App is installed on
        answer = link.call("POST", f"/app/installations/{installation}/access_tokens", only)
        try:
            return _Token(str(answer["token"]), datetime.fromisoformat(answer["expires_at"]).timestamp())
        except (KeyError, TypeError, ValueError) as fault:
            raise ForgeFault(f"{link.host} gave the App {app.app_id} an answer without a token.") from fault


def sign(app: AppKey, now: float) -> str:
    """A JSON Web Token that says who the App is. Raises ForgeFault for a key that can't sign."""
    claims = {"iat": int(now) - SKEW_SECONDS, "exp": int(now) + JWT_SECONDS, "iss": app.app_id}
    text = f"{_encode(_json({'alg': 'RS256', 'typ': 'JWT'}))}.{_encode(_json(claims))}"
    try:
        key = load_pem_private_key(app.private_key.encode(), None)
    except (TypeError, ValueError) as fault:
        raise ForgeFault(f"The private key of the App {app.app_id} can't be read: set its secret anew.") from fault
    if not isinstance(key, RSAPrivateKey):
        raise ForgeFault(f"The private key of the App {app.app_id} is no RSA key: set its secret anew.")
    return f"{text}.{_encode(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _headers(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}


def _key(app: AppKey, place: ForgePlace) -> _Key:
    return (place.api_url, place.project, app.app_id, app.installation_id)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
