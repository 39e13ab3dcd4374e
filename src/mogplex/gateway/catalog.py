"""Which model at which provider a name means. No network: what is set up decides."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.model import ModelProtocol
from mogplex.gateway.config import ModelConfig
from mogplex.gateway.prices import is_priced, tell_unpriced
from mogplex.gateway.provider import ModelPlan, Target

NO_PROVIDER = (
    "No model provider is set up. Set ANTHROPIC_API_KEY or OPENAI_API_KEY for the server, or name a provider in "
    "mogplex.toml (docs/models.md); `mogplex doctor` tells what it finds"
)

# Headers and parameters that hold words of every day ("preview"): they are told like any other word.
_PLAIN_NAMES = ("version", "beta")


class Catalog:
    """Immutable. `resolve` is asked at a run's start and again by its worker."""

    def __init__(self, config: ModelConfig) -> None:
        self.providers = config.providers
        self._default_model = config.default_model

    def secrets(self) -> tuple[str, ...]:
        """Every provider's key, and what else the settings send it: nothing of them may be told."""
        keys = (each.key for each in self.providers if each.key)
        further = (
            value
            for each in self.providers
            for name, value in (*each.headers.items(), *each.query.items())
            if not name.lower().endswith(_PLAIN_NAMES)
        )
        return tuple(dict.fromkeys((*keys, *further)))

    def resolve(self, wanted: str | None, protocols: Sequence[ModelProtocol]) -> ModelPlan:
        """The plan for `wanted`: a name, `provider/name`, or several with commas, the later ones being fallbacks.

        None: the default. Raises BadRequest for a model that nobody offers, or that speaks none of `protocols`.
        """
        if not self.providers:
            raise _refusal(f"{NO_PROVIDER}.")
        spec = wanted or self.default_of(protocols)
        if spec is None:
            raise _refusal(
                f"No model is named, and no provider with a default speaks {_listed(protocols)}. "
                "Name one with --model, set MOGPLEX_MODEL for the server, or set up such a provider (docs/models.md)."
            )
        names = [name.strip() for name in spec.split(",")]
        first = self._find(names[0], protocols)
        protocol = next(each for each in protocols if each in first.provider.protocols)
        others = names[1:] or first.offered.fallbacks
        targets = [first, *(self._find(name, (protocol,)) for name in others)]
        return ModelPlan(protocol, _unique(targets))

    def settle(self, wanted: str | None, protocols: Sequence[ModelProtocol], *, in_dollars: bool) -> str:
        """The name under which a run's model is written down. Raises BadRequest also when no key is there for it, or
        when a limit is one `in_dollars` and nobody knows the price."""
        plan = self.resolve(wanted, protocols)
        provider = plan.targets[0].provider
        if not provider.is_usable:
            raise _refusal(f"The provider {provider.name} of model {plan.model} has no key: {provider.missing}.")
        unpriced = next((each for each in plan.targets if in_dollars and not is_priced(each)), None)
        if unpriced is not None:
            raise _refusal(f"{tell_unpriced(unpriced)} Give its price in mogplex.toml, or limit tokens.")
        return wanted or f"{provider.name}/{plan.model}"

    def default_of(self, protocols: Sequence[ModelProtocol]) -> str | None:
        """The model for runs that name none: the settings', else that of the first usable provider that fits."""
        if self._default_model is not None:
            return self._default_model
        fitting = [each for each in self.providers if each.default_model and set(each.protocols) & set(protocols)]
        chosen = next((each for each in fitting if each.is_usable), fitting[0] if fitting else None)
        return None if chosen is None else f"{chosen.name}/{chosen.default_model}"

    def reason_against(self, protocols: Sequence[ModelProtocol], wanted: str | None = None) -> str | None:
        """Why a harness that speaks `protocols` has no model to work with now; None when it has, or needs none."""
        if not protocols:
            return None
        if not self.providers:
            return "no model provider is set up"
        try:
            target = self.resolve(wanted, protocols).targets[0]
        except BadRequest as fault:
            return fault.message
        if not target.provider.is_usable:
            return f"The provider {target.provider.name} has no key: {target.provider.missing}."
        return None

    def _find(self, name: str, protocols: Sequence[ModelProtocol]) -> Target:
        found = list(self._offers(name))
        if not found:
            raise _refusal(self._unknown(name))
        for target in sorted(found, key=lambda each: not each.provider.is_usable):
            if set(target.provider.protocols) & set(protocols):
                return target
        spoken = ", ".join(sorted({str(each) for target in found for each in target.provider.protocols}))
        raise _refusal(f"model {name!r} speaks {spoken}, and {_listed(protocols)} is needed. Name another model.")

    def _offers(self, name: str) -> Iterator[Target]:
        """Those who offer a model of this name, the best first: named with the provider, listed, or not ruled out."""
        provider_name, slash, rest = name.partition("/")
        named = next((each for each in self.providers if each.name == provider_name), None)
        if slash and rest and named is not None and (not named.models or rest in named.models):
            yield Target(named, rest)
        yield from (Target(each, name) for each in self.providers if name in each.models)
        open_ones = [each for each in self.providers if not each.models]
        yield from (Target(each, name) for each in open_ones if name.startswith(each.prefixes or ("\0",)))
        # A server of one's own that lists nothing takes any name that is nobody else's.
        claimed = any(name.startswith(each.prefixes) for each in open_ones if each.prefixes)
        yield from (Target(each, name) for each in open_ones if name and not each.prefixes and not claimed)

    def _unknown(self, name: str) -> str:
        known = sorted({model for each in self.providers for model in each.models})
        known += [f"{each.name}/…" for each in self.providers if not each.models]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known[:20])}."
        return f"model {name[:200]!r} is not offered by any provider. {hint} See: mogplex models list"


def _unique(targets: Sequence[Target]) -> tuple[Target, ...]:
    kept: list[Target] = []
    for target in targets:
        if not any((each.provider.name, each.model) == (target.provider.name, target.model) for each in kept):
            kept.append(target)
    return tuple(kept)


def _listed(protocols: Sequence[ModelProtocol]) -> str:
    return " or ".join(protocols)


def _refusal(message: str) -> BadRequest:
    return BadRequest(message, [Detail("model", message)])
