"""Asks each provider whether it answers, takes the key, and which models it has: for lists and for `mogplex doctor`."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from mogplex.domain.model import ModelInfo, ModelProtocol
from mogplex.gateway.catalog import Catalog
from mogplex.gateway.prices import context_of, price_of
from mogplex.gateway.provider import Price, Provider, Target
from mogplex.gateway.reading import describe_refusal

ASK_SECONDS = 5.0
FRESH_SECONDS = 60.0  # how long an answer counts: lists are asked for often, providers change seldom
MAX_LISTED = 1000
_ANTHROPIC_VERSION = "2023-06-01"  # which it wants to hear with each request


@dataclass(frozen=True, slots=True)
class ProviderState:
    """What a provider said. `models` are the names it listed itself, None when it lists none."""

    provider: Provider
    ok: bool
    detail: str
    remedy: str | None = None
    models: tuple[str, ...] | None = None


class Survey:
    """Thread-safe; blocks for as long as the slowest provider takes, at most a few seconds."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._states: Sequence[ProviderState] = ()
        self._asked_at: float | None = None

    def states(self) -> Sequence[ProviderState]:
        with self._lock:
            if self._asked_at is None or time.monotonic() - self._asked_at > FRESH_SECONDS:
                self._states = asyncio.run(_ask_all(self._catalog.providers))
                self._asked_at = time.monotonic()
            return self._states

    def models(self) -> list[ModelInfo]:
        """Those that the settings list; of a provider for which they list none, those that it lists itself."""
        default = self._default()
        return [
            _info(Target(state.provider, name), state, (state.provider.name, name) == default)
            for state in self.states()
            for name in _names(state)
        ]

    def _default(self) -> tuple[str, str] | None:
        spec = self._catalog.default_of(tuple(ModelProtocol))
        if spec is None or self._catalog.reason_against(tuple(ModelProtocol), spec) is not None:
            return None
        target = self._catalog.resolve(spec, tuple(ModelProtocol)).targets[0]
        return target.provider.name, target.model


def _names(state: ProviderState) -> Sequence[str]:
    provider = state.provider
    if provider.models:
        return list(provider.models)
    return state.models or ([provider.default_model] if provider.default_model else [])


def _info(target: Target, state: ProviderState, is_default: bool) -> ModelInfo:
    price = price_of(target)
    return ModelInfo(
        name=target.model,
        provider=target.provider.name,
        protocols=target.provider.protocols,
        context_tokens=context_of(target),
        input_usd=_amount(price, "input"),
        output_usd=_amount(price, "output"),
        cache_read_usd=_amount(price, "cache_read"),
        cache_write_usd=_amount(price, "cache_write"),
        is_default=is_default,
        available=state.ok,
        reason=None if state.ok else state.detail,
    )


def _amount(price: Price | None, part: str) -> float | None:
    amount = getattr(price, part, None)
    return None if amount is None else float(amount)


async def _ask_all(providers: Sequence[Provider]) -> Sequence[ProviderState]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS)) as client:
        return await asyncio.gather(*(_ask(client, provider) for provider in providers))


async def _ask(client: aiohttp.ClientSession, provider: Provider) -> ProviderState:
    if not provider.is_usable:
        return ProviderState(provider, False, "has no key", provider.missing)
    protocol = provider.protocols[0]
    headers = {**provider.headers, **provider.key_headers(protocol)}
    query = dict(provider.query)
    if protocol is ModelProtocol.MESSAGES:
        headers.setdefault("anthropic-version", _ANTHROPIC_VERSION)
        query.setdefault("limit", str(MAX_LISTED))
    try:
        async with client.get(provider.list_url(), headers=headers, params=query, allow_redirects=False) as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as fault:
        what = str(fault) or f"no answer within {ASK_SECONDS:g} s"
        return ProviderState(provider, False, f"{provider.base_url}: {what}"[:300], "correct its base_url or start it")
    if response.status in (401, 403):
        said = describe_refusal(body)
        detail = f"{provider.base_url} refuses the key ({response.status}): {said}"
        remedy = f"correct the key: {provider.key_source}" if provider.key_source else "give it a key_env or key_file"
        return ProviderState(provider, False, detail, remedy)
    if response.status >= 500:
        detail = f"{provider.base_url} answers {response.status}: {describe_refusal(body)}"
        return ProviderState(provider, False, detail, "try again later")
    names = _listed(body) if response.status == 200 else None
    detail = f"{provider.base_url} answers" + ("" if names is None else f", {len(names)} models")
    return ProviderState(provider, True, detail, None, names)


def _listed(body: bytes) -> tuple[str, ...] | None:
    try:
        found: Any = json.loads(body)
    except ValueError:
        return None
    rows = found.get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return None
    names = [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
    return tuple(sorted(names)[:MAX_LISTED])
