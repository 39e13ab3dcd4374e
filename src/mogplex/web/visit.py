"""One request of a browser: who it is from, what it asks, and the answers it can get."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from mogplex.domain.access import ORIGIN_KEY, Caller, Origin, Scope
from mogplex.domain.errors import BadRequest
from mogplex.web.answers import Templates, page_answer
from mogplex.web.rooms import Rooms

SESSION_COOKIE = "mogplex_session"
DOOR_COOKIE = "mogplex_door"  # before signing in: what the form's token is bound to
THEME_COOKIE = "mogplex_theme"
THEMES = ("auto", "light", "dark")
TOKEN_FIELD = "csrf"
MAX_FORM_BYTES = 2 << 20
MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Form:
    """Fields of a form that was sent; blank ones count as left out."""

    values: Mapping[str, list[str]] = field(default_factory=dict)

    @staticmethod
    def of(body: bytes) -> Form:
        """Raises BadRequest."""
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except ValueError as fault:
            raise BadRequest("The form can't be read. Load the page anew and send it again.") from fault
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value.replace("\r\n", "\n"))
        return Form(values)

    def get(self, name: str) -> str | None:
        found = self.values.get(name, [""])[0].strip()
        return found or None

    def all(self, name: str) -> list[str]:
        return [value for value in self.values.get(name, ()) if value.strip()]

    def lines(self, name: str) -> list[str]:
        """One value a line."""
        return [line.strip() for line in (self.get(name) or "").splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Visit:
    """`caller` is there on every page but the one for signing in."""

    rooms: Rooms
    templates: Templates
    request: Request
    signed_in: Caller | None
    token: str  # of the session, or of the door
    form: Form = Form()

    @property
    def caller(self) -> Caller:
        assert self.signed_in is not None  # pages are reached signed in only
        return self.signed_in

    @property
    def origin(self) -> Origin:
        """Where it comes from, for the audit log."""
        client = self.request.client
        found: Origin | None = self.request.scope.get(ORIGIN_KEY)
        return found or Origin(client.host if client else None)

    @property
    def csrf(self) -> str:
        """What this browser's forms must bear."""
        return hmac.new(self.token.encode(), b"mogplex form", hashlib.sha256).hexdigest()

    @property
    def theme(self) -> str:
        found = self.request.cookies.get(THEME_COOKIE, "auto")
        return found if found in THEMES else "auto"

    @property
    def url(self) -> str:
        """Of this server, as the browser knows it."""
        return f"{'https' if is_https(self.request) else 'http'}://{self.request.headers.get('host', 'localhost')}"

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        return (self.request.query_params.get(name) or "").strip() or None

    def number(self, name: str, default: int = 0) -> int:
        """A count from the query; nonsense is the default."""
        text = self.query(name) or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def may(self, scope: str) -> bool:
        return self.signed_in is not None and Scope(scope) in self.signed_in.scopes

    def render(self, name: str, **values: Any) -> str:
        frame = {"visit": self, "here": self.request.url.path, "csrf": self.csrf, "version": self.rooms.version}
        return self.templates.render(name, {**frame, **values})

    def show(
        self, name: str, http_status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        return page_answer(self.render(name, **values), self.accepts_gzip, http_status, headers)

    @property
    def accepts_gzip(self) -> bool:
        return "gzip" in self.request.headers.get("accept-encoding", "")


def is_https(request: Request) -> bool:
    """Also behind a proxy that ends TLS. Who lies about it only gets a cookie that the browser keeps to itself."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"


def cookie(request: Request, name: str, value: str, max_age_seconds: int) -> str:
    """The text of a Set-Cookie header."""
    secure = "; Secure" if is_https(request) else ""
    return f"{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
