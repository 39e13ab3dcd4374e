"""A model provider: where it is, which protocols it speaks, its key, and how patient we are with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mogplex.domain.model import ModelProtocol

_TAILS = {
    ModelProtocol.RESPONSES: "/responses",
    ModelProtocol.CHAT: "/chat/completions",
    ModelProtocol.MESSAGES: "/messages",
}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens of each class. A class without a price of its own costs as much as input."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """What the settings say about one model of a provider; None where they leave it to what is known anyway."""

    name: str
    price: Price | None = None
    context_tokens: int | None = None
    fallbacks: tuple[str, ...] = ()  # model names, as `--model` takes them


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the provider, and how often it is asked again before the first byte of an answer."""

    connect_seconds: float = 10.0
    first_byte_seconds: float = 300.0  # a long answer that is not streamed begins only when it is done
    idle_seconds: float = 300.0  # between two bytes; models that think say nothing for minutes
    retries: int = 2
    longest_wait_seconds: float = 60.0  # of a Retry-After; a longer one is the harness's business
    first_pause_seconds: float = 0.5  # before the first repetition, doubled for each further one


@dataclass(frozen=True, slots=True)
class Provider:
    """`models` empty: it is asked what it has, and any name is passed on. No representation holds secrets."""

    name: str
    protocols: tuple[ModelProtocol, ...]
    base_url: str
    key: str | None = field(default=None, repr=False)
    key_source: str = ""  # where the key is to come from, for messages: a variable or a file
    key_needed: bool = True
    key_header: str | None = None  # None: what the protocol's inventor uses
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: Mapping[str, OfferedModel] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()  # beginnings of names of models that are its own
    default_model: str | None = None
    allow: tuple[str, ...] = ()  # what it may do for a request besides answering: names of `features_of`
    patience: Patience = Patience()

    @property
    def is_usable(self) -> bool:
        return self.key is not None or not self.key_needed

    @property
    def missing(self) -> str:
        """What to do when it is not usable."""
        return f"set {self.key_source}" if self.key_source else "give it a key_env or key_file in mogplex.toml"

    def url_of(self, protocol: ModelProtocol, tail: str = "") -> str:
        """The address of a protocol. OpenAI's base URLs end with /v1 and Anthropic's don't: both are understood."""
        return self._base_of(protocol) + _TAILS[protocol] + tail

    def list_url(self) -> str:
        """Where it lists its models, if it does."""
        return self._base_of(self.protocols[0]) + "/models"

    def key_headers(self, protocol: ModelProtocol) -> dict[str, str]:
        if self.key is None:
            return {}
        name = self.key_header or ("x-api-key" if protocol is ModelProtocol.MESSAGES else "authorization")
        return {name: f"Bearer {self.key}" if name.lower() == "authorization" else self.key}

    def _base_of(self, protocol: ModelProtocol) -> str:
        base = self.base_url.rstrip("/")
        if protocol is ModelProtocol.MESSAGES and not base.endswith("/v1"):
            return base + "/v1"
        return base


@dataclass(frozen=True, slots=True)
class Target:
    """One model at one provider, as a call is sent there."""

    provider: Provider
    model: str

    @property
    def offered(self) -> OfferedModel:
        return self.provider.models.get(self.model) or OfferedModel(self.model)


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Which model a run uses, in which protocol, and where to go when its first place fails. At least one target."""

    protocol: ModelProtocol
    targets: tuple[Target, ...]

    @property
    def model(self) -> str:
        """The name by which the harness asks."""
        return self.targets[0].model
