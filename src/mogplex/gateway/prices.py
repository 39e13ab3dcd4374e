"""What tokens cost: the settings' prices first, then the list prices of `genai-prices`; otherwise nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mogplex.domain.usage import Usage
from mogplex.gateway.provider import Price, Target

_MILLION = Decimal(1_000_000)
_CLASSES = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True, slots=True)
class Listing:
    """What the price list says of a model; dollars for a million tokens, before any tiers."""

    price: Price | None
    context_tokens: int | None


def price_usage(target: Target, usage: Usage, long_cache_writes: int = 0) -> float | None:
    """US dollars, or None when the model's price is not known. Nothing used costs nothing, whatever the model.

    `long_cache_writes`: how many of the written cache tokens are kept for an hour.
    """
    if not _tokens(usage):
        return 0.0
    own = target.offered.price
    if own is not None:
        return float(_times(own, usage))
    listed = _calculate(target, usage, long_cache_writes)
    return None if listed is None else float(listed.total_price)


def is_priced(target: Target) -> bool:
    return target.offered.price is not None or list_model(target.provider.base_url, target.model) is not None


def tell_unpriced(target: Target) -> str:
    """Why a limit in dollars is refused."""
    what = f"The price of model {target.model} at {target.provider.name} is not known"
    return f"{what}, so a limit in dollars can't be held."


def context_of(target: Target) -> int | None:
    """The model's window in tokens, if the settings or the price list tell."""
    if target.offered.context_tokens is not None:
        return target.offered.context_tokens
    listing = list_model(target.provider.base_url, target.model)
    return None if listing is None else listing.context_tokens


def price_of(target: Target) -> Price | None:
    if target.offered.price is not None:
        return target.offered.price
    listing = list_model(target.provider.base_url, target.model)
    return None if listing is None else listing.price


@lru_cache(maxsize=1024)
def list_model(base_url: str, model: str) -> Listing | None:
    """From the price list; None when it does not know the model."""
    found = _look_up(base_url, model, Usage(input_tokens=1, output_tokens=1), 0)
    if found is None:
        return None
    price = found.model_price
    given = {name: _first_tier(getattr(price, f"{name}_mtok", None)) for name in _CLASSES}
    told = None
    if given["input"] is not None and given["output"] is not None:
        told = Price(given["input"], given["output"], given["cache_read"], given["cache_write"])
    return Listing(told, found.model.context_window)


def load() -> None:
    """Read the price list now: it takes a tenth of a second and more, so not while a stream waits."""
    list_model("", "")


def _calculate(target: Target, usage: Usage, long_cache_writes: int) -> Any:
    return _look_up(target.provider.base_url, target.model, usage, long_cache_writes)


def _look_up(base_url: str, model: str, usage: Usage, long_cache_writes: int) -> Any:
    """By the provider's address, which knows its own names best, else by the model's name alone."""
    import genai_prices  # here, because it costs every command a tenth of a second and more

    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=min(long_cache_writes, usage.cache_write_tokens) or None,
        output_tokens=usage.output_tokens,
    )
    for url in (base_url, None):
        try:
            return genai_prices.calc_price(tokens, model, provider_api_url=url)
        except LookupError:
            continue
    return None


def _times(price: Price, usage: Usage) -> Decimal:
    read = price.input if price.cache_read is None else price.cache_read
    written = price.input if price.cache_write is None else price.cache_write
    return (
        price.input * usage.input_tokens
        + price.output * usage.output_tokens
        + read * usage.cache_read_tokens
        + written * usage.cache_write_tokens
    ) / _MILLION


def _first_tier(value: Any) -> Decimal | None:
    """A price is a number, or a base with tiers for long contexts."""
    base = getattr(value, "base", value)
    return None if base is None else Decimal(str(base))


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens
