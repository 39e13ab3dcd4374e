"""What a call may use, reckoned from its request alone: an upper bound where the request sets one, else a guess."""

from __future__ import annotations

from collections.abc import Sequence

from mogplex.domain.usage import Usage
from mogplex.gateway.asked import Asked
from mogplex.gateway.meter import Claim
from mogplex.gateway.prices import price_usage
from mogplex.gateway.provider import Target
from mogplex.gateway.reading import BYTES_PER_TOKEN

UNLIMITED_OUTPUT_TOKENS = 32_000  # for requests that set no limit: more than all but the longest answers have
MAX_OUTPUT_TOKENS = 1_000_000  # no model says more, whatever a request asks for
_LIMIT_FIELDS = ("max_output_tokens", "max_completion_tokens", "max_tokens")


def claim_of(asked: Asked, targets: Sequence[Target]) -> Claim:
    """Priced at the dearest of `targets`; one whose price is not known counts nothing."""
    usage = Usage(input_tokens=len(asked.body) // BYTES_PER_TOKEN, output_tokens=_output_tokens(asked))
    prices = [price_usage(target, usage) or 0.0 for target in targets]
    return Claim(usage.input_tokens + usage.output_tokens, max(prices))


def _output_tokens(asked: Asked) -> int:
    """Of all the answers that are asked for at once."""
    limits = [value for name in _LIMIT_FIELDS if type(value := asked.fields.get(name)) is int and value > 0]
    tokens = min(limits[0], MAX_OUTPUT_TOKENS) if limits else UNLIMITED_OUTPUT_TOKENS
    answers = asked.fields.get("n")
    return tokens * answers if type(answers) is int and 1 < answers <= MAX_OUTPUT_TOKENS else tokens
