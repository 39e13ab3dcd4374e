"""Who asks: from the Authorization header to a caller that is within its limits."""

from __future__ import annotations

import math

from starlette.datastructures import Headers

from mogplex.api.guard import Exchange
from mogplex.api.services import Services
from mogplex.domain.access import Caller, Origin, Scope
from mogplex.domain.errors import Unauthorized
from mogplex.service.limits import Allowance, RequestsLimited


def admit(services: Services, headers: Headers, exchange: Exchange, needs: Scope | None) -> Caller:
    """Authenticate, count the request, check the scope: in this order. Blocks on the database.

    Raises Unauthorized, RateLimited, Forbidden, ServiceUnavailable. The limit's headers are on the answer either way.
    """
    caller = services.keys.authenticate(read_secret(headers), Origin(exchange.address, exchange.request_id))
    exchange.key_id = caller.key_id
    try:
        _show(exchange, services.limits.take_request(caller))
    except RequestsLimited as refusal:
        _show(exchange, refusal.allowance)
        raise
    if needs is not None:
        caller.require(needs)
    return caller


def read_secret(headers: Headers) -> str:
    """The key in `Authorization: Bearer <key>`. Raises Unauthorized that says what is wrong with the header."""
    given = headers.getlist("authorization")
    if not given:
        raise Unauthorized("Missing API key: send the header 'Authorization: Bearer mog_…'.")
    if len(given) > 1:
        raise Unauthorized("There is more than one Authorization header: send one.")
    scheme, _, secret = given[0].strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("The Authorization header has another scheme: send 'Authorization: Bearer mog_…'.")
    return secret.strip()


def _show(exchange: Exchange, allowance: Allowance) -> None:
    exchange.headers["X-RateLimit-Limit"] = str(allowance.limit)
    exchange.headers["X-RateLimit-Remaining"] = str(max(0, allowance.remaining))
    exchange.headers["X-RateLimit-Reset"] = str(math.ceil(allowance.reset_at_seconds))
