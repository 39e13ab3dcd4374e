"""Reads `mogplex.toml`: the providers, their models and prices, and the default model."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mogplex.domain.errors import BadRequest
from mogplex.domain.model import ModelProtocol
from mogplex.gateway.presets import PRESETS, providers_of
from mogplex.gateway.provider import OfferedModel, Patience, Price, Provider

_TOP_FIELDS = {"default_model", "providers"}
_PATIENCE_FIELDS = {
    "connect_seconds": "connect_seconds",
    "first_byte_seconds": "first_byte_seconds",
    "idle_seconds": "idle_seconds",
    "retries": "retries",
    "longest_wait_seconds": "longest_wait_seconds",
}
_PROVIDER_FIELDS = {
    "protocols", "base_url", "key_env", "key_file", "key_needed", "key_header", "headers", "query", "models", "allow",
    "default_model", *_PATIENCE_FIELDS,
}  # fmt: skip
_MODEL_FIELDS = {"input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "context_tokens", "fallbacks"}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """All that is set up about models. A provider of the file replaces one of the same name from the environment."""

    providers: tuple[Provider, ...]
    default_model: str | None = None


def read_config(path: Path, environment: Mapping[str, str], default_model: str | None = None) -> ModelConfig:
    """From the file (which may be missing) and the environment; `default_model` goes before the file's.

    Raises BadRequest that names the file, the field and what it may be.
    """
    reader = _Reader(path, environment)
    table = reader.load()
    providers = {provider.name: provider for provider in providers_of(environment)}
    providers.update(reader.providers(table))
    chosen = default_model or reader.text(table, "default_model", "")
    return ModelConfig(tuple(providers.values()), chosen)


class _Reader:
    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path = path
        self._environment = environment

    def load(self) -> dict[str, Any]:
        try:
            table = tomllib.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as fault:
            raise BadRequest(f"{self._path} can't be read: {fault}. Correct it or its permissions.") from fault
        except tomllib.TOMLDecodeError as fault:
            raise BadRequest(f"{self._path} is no valid TOML: {fault}") from fault
        self._require_known(table, _TOP_FIELDS, "")
        return table

    def providers(self, table: Mapping[str, Any]) -> dict[str, Provider]:
        found = self.table(table, "providers", "")
        return {name: self._provider(name, self.table(found, name, "providers.")) for name in found}

    def _provider(self, name: str, table: Mapping[str, Any]) -> Provider:
        where = f"providers.{name}."
        if not name or "/" in name or "," in name:
            raise self.refusal(where, "a provider's name has at least one letter, and neither a slash nor a comma")
        self._require_known(table, _PROVIDER_FIELDS, where)
        preset = PRESETS.get(name) or Provider(name, (), "", key_needed=False)
        protocols = self._protocols(table, where) or preset.protocols
        if not protocols:
            raise self.refusal(where + "protocols", f"is missing; give some of {', '.join(ModelProtocol)}")
        key, source = self._key(table, where, preset)
        stated = "key_env" in table or "key_file" in table
        return replace(
            preset,
            protocols=protocols,
            base_url=self._base_url(table, where) or preset.base_url,
            key=key,
            key_source=source,
            key_needed=bool(table.get("key_needed", preset.key_needed or stated)),
            key_header=self.text(table, "key_header", where) or preset.key_header,
            headers=self._texts(table, "headers", where),
            query=self._texts(table, "query", where),
            models=self._models(table, where),
            allow=self._names(table, "allow", where),
            default_model=self.text(table, "default_model", where) or self._first_model(table) or preset.default_model,
            patience=self._patience(table, where),
        )

    def _protocols(self, table: Mapping[str, Any], where: str) -> tuple[ModelProtocol, ...]:
        given = table.get("protocols", [])
        if not isinstance(given, list) or not all(each in list(ModelProtocol) for each in given):
            raise self.refusal(where + "protocols", f"must be a list of some of {', '.join(ModelProtocol)}")
        return tuple(ModelProtocol(each) for each in given)

    def _base_url(self, table: Mapping[str, Any], where: str) -> str | None:
        url = self.text(table, "base_url", where)
        if url is None:
            if where.split(".")[1] not in PRESETS:
                raise self.refusal(where + "base_url", "is missing, such as https://models.example.com/v1")
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise self.refusal(where + "base_url", f"must be http(s)://host/path, not {url!r}; ?name=value is query")
        return url

    def _key(self, table: Mapping[str, Any], where: str, preset: Provider) -> tuple[str | None, str]:
        variable = self.text(table, "key_env", where)
        file = self.text(table, "key_file", where)
        if variable and file:
            raise self.refusal(where + "key_file", "and key_env are both given: give one")
        if file:
            path = (self._path.parent / Path(file).expanduser()).absolute()
            try:
                return path.read_text(encoding="utf-8").strip() or None, str(path)
            except FileNotFoundError:
                return None, str(path)
            except (OSError, UnicodeDecodeError) as fault:
                raise self.refusal(where + "key_file", f"{path} can't be read: {fault}") from fault
        source = variable or preset.key_source
        return (self._environment.get(source, "").strip() or None if source else None), source

    def _models(self, table: Mapping[str, Any], where: str) -> dict[str, OfferedModel]:
        given = table.get("models", [])
        if isinstance(given, list) and all(isinstance(each, str) and each for each in given):
            return {name: OfferedModel(name) for name in given}
        if not isinstance(given, dict):
            raise self.refusal(where + "models", "must be a list of names, or a table with one table a model")
        return {name: self._model(name, self.table(given, name, where + "models."), where) for name in given}

    def _model(self, name: str, table: Mapping[str, Any], where: str) -> OfferedModel:
        where = f"{where}models.{name}."
        self._require_known(table, _MODEL_FIELDS, where)
        price = None
        if any(field.endswith("_usd") for field in table):
            amounts = {field: self._amount(table, field, where) for field in _MODEL_FIELDS if field.endswith("_usd")}
            given = amounts["input_usd"], amounts["output_usd"]
            if given[0] is None or given[1] is None:
                raise self.refusal(where + "input_usd", "and output_usd go together: dollars for a million tokens")
            price = Price(given[0], given[1], amounts["cache_read_usd"], amounts["cache_write_usd"])
        context = table.get("context_tokens")
        if context is not None and (type(context) is not int or context < 1):
            raise self.refusal(where + "context_tokens", f"must be a whole number above 0, not {context!r}")
        return OfferedModel(name, price, context, self._names(table, "fallbacks", where))

    def _amount(self, table: Mapping[str, Any], field: str, where: str) -> Decimal | None:
        value = table.get(field)
        if value is None:
            return None
        if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
            raise self.refusal(where + field, f"must be dollars for a million tokens, not {value!r}")
        return Decimal(str(value))

    def _patience(self, table: Mapping[str, Any], where: str) -> Patience:
        values: dict[str, Any] = {}
        for field in _PATIENCE_FIELDS:
            value = table.get(field)
            if value is None:
                continue
            whole = field == "retries"
            kinds, low, high = ((int,), 0.0, 10.0) if whole else ((int, float), 0.001, 3600.0)
            if type(value) not in kinds or not low <= value <= high:
                wanted = "a whole number from 0 to 10" if whole else "seconds, 3600 at most"
                raise self.refusal(where + field, f"must be {wanted}, not {value!r}")
            values[field] = value
        return Patience(**values)

    def table(self, table: Mapping[str, Any], field: str, where: str) -> dict[str, Any]:
        value = table.get(field, {})
        if not isinstance(value, dict):
            raise self.refusal(where + field, "must be a table")
        return value

    def text(self, table: Mapping[str, Any], field: str, where: str) -> str | None:
        value = table.get(field)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.refusal(where + field, f"must be a text, not {value!r}")
        return value.strip() if value else None

    def _texts(self, table: Mapping[str, Any], field: str, where: str) -> dict[str, str]:
        found = self.table(table, field, where)
        if not all(isinstance(value, str) and value.isprintable() for value in found.values()):
            raise self.refusal(where + field, "must hold texts only")
        return found

    def _names(self, table: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
        names = table.get(field, [])
        if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
            raise self.refusal(where + field, "must be a list of names")
        return tuple(names)

    def _first_model(self, table: Mapping[str, Any]) -> str | None:
        return next(iter(table.get("models") or ()), None)

    def _require_known(self, table: Mapping[str, Any], known: set[str], where: str) -> None:
        for field in table:
            if field not in known:
                raise self.refusal(where + field, f"is not a known field; known are {', '.join(sorted(known))}")

    def refusal(self, field: str, reason: str) -> BadRequest:
        return BadRequest(f"{self._path}: {field.rstrip('.')} {reason}.")
