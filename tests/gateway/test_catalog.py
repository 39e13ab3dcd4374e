"""Names of models, and the file that sets providers up."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex.domain.errors import BadRequest
from mogplex.domain.model import ModelProtocol
from mogplex.gateway.catalog import Catalog
from mogplex.gateway.config import read_config

R, C, M = ModelProtocol.RESPONSES, ModelProtocol.CHAT, ModelProtocol.MESSAGES
FILE = """
default_model = "local/small"
[providers.local]
protocols = ["openai-chat"]
base_url = "http://127.0.0.1:1/v1"
[providers.local.models.small]
input_usd = 0
output_usd = 0.5
context_tokens = 4096
fallbacks = ["gpt-5.5"]
[providers.local.models.large]
[providers.openai]
key_file = "openai.key"
retries = 0
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "mogplex.toml").write_text(FILE)
    (tmp_path / "openai.key").write_text("sk-from-file\n")
    return Catalog(read_config(tmp_path / "mogplex.toml", {"ANTHROPIC_API_KEY": "sk-ant"}))


def resolve(catalog: Catalog, wanted: str | None, *protocols: ModelProtocol) -> tuple[ModelProtocol, list[str]]:
    plan = catalog.resolve(wanted, protocols)
    return plan.protocol, [f"{each.provider.name}/{each.model}" for each in plan.targets]


def test_names(catalog: Catalog) -> None:
    assert resolve(catalog, None, C) == (C, ["local/small", "openai/gpt-5.5"])
    assert resolve(catalog, "large", C) == (C, ["local/large"])
    assert resolve(catalog, "claude-sonnet", M) == (M, ["anthropic/claude-sonnet"])
    assert resolve(catalog, "gpt-6", R, C) == (R, ["openai/gpt-6"])
    assert resolve(catalog, "openai/what-ever", C, R) == (C, ["openai/what-ever"])
    assert resolve(catalog, "small,large , openai/x,large", C) == (C, ["local/small", "local/large", "openai/x"])


@pytest.mark.parametrize(
    ("wanted", "protocols", "words"),
    [
        ("smal", (C,), "Did you mean 'small'?"),
        ("large", (M,), "speaks openai-chat, and anthropic-messages is needed"),
        ("large,claude-x", (C,), "speaks anthropic-messages, and openai-chat is needed"),
        ("local/other", (C,), "not offered by any provider"),
        ("", (M,), "speaks openai-chat"),
    ],
)
def test_a_model_that_is_not_to_be_had_is_told(
    catalog: Catalog, wanted: str, protocols: tuple[ModelProtocol, ...], words: str
) -> None:
    with pytest.raises(BadRequest, match=words.replace("?", r"\?")):
        catalog.resolve(wanted or None, protocols)


def test_without_a_provider_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    empty = Catalog(read_config(tmp_path / "none.toml", {}))
    with pytest.raises(BadRequest, match="ANTHROPIC_API_KEY"):
        empty.resolve("claude-x", (M,))
    assert empty.reason_against((M,)) is not None
    assert empty.reason_against(()) is None


def test_a_key_that_is_missing_stops_a_start(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("[providers.anthropic]\nkey_env = 'MY_KEY'\n")
    without = Catalog(read_config(tmp_path / "m.toml", {}))
    with pytest.raises(BadRequest, match="set MY_KEY"):
        without.settle("claude-x", (M,), in_dollars=False)
    with_key = Catalog(read_config(tmp_path / "m.toml", {"MY_KEY": "k"}))
    assert with_key.settle(None, (M,), in_dollars=True) == "anthropic/claude-opus-5-5"
    with pytest.raises(BadRequest, match="price of model claude-unheard-of"):
        with_key.settle("anthropic/claude-unheard-of-9", (M,), in_dollars=True)


def test_keys_and_prices_come_from_where_they_should(catalog: Catalog) -> None:
    by_name = {each.name: each for each in catalog.providers}
    assert set(catalog.secrets()) == {"sk-from-file", "sk-ant"}
    assert "sk-" not in repr(by_name)
    assert by_name["openai"].patience.retries == 0
    assert by_name["openai"].url_of(R) == "https://api.openai.com/v1/responses"
    assert by_name["anthropic"].url_of(M, "/count_tokens") == "https://api.anthropic.com/v1/messages/count_tokens"
    small = by_name["local"].models["small"]
    assert (small.price and float(small.price.output), small.context_tokens) == (0.5, 4096)


def test_what_the_settings_send_besides_a_key_is_not_told_either(tmp_path: Path) -> None:
    path = tmp_path / "mogplex.toml"
    path.write_text(
        "[providers.openai]\nheaders = { x-gateway-token = 'token-in-a-header' }\n"
        "query = { code = 'code-in-the-query', api-version = 'preview' }\n"
    )
    set_up = Catalog(read_config(path, {}))
    assert set(set_up.secrets()) == {"token-in-a-header", "code-in-the-query"}
    shown = repr(set_up.providers)
    assert "token-in-a-header" not in shown
    assert "code-in-the-query" not in shown


def test_a_provider_that_was_moved_takes_any_name(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:2/v1"}
    moved = Catalog(read_config(tmp_path / "none.toml", environment))
    assert resolve(moved, "qwen3:30b", C) == (C, ["openai/qwen3:30b"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "x is not a known field"),
        ("[providers.a]\nprotocols = ['grpc']\nbase_url = 'http://x'", "providers.a.protocols must be a list of some"),
        ("[providers.a]\nbase_url = 'http://x'", "providers.a.protocols is missing"),
        ("[providers.a]\nprotocols = ['openai-chat']", "providers.a.base_url is missing"),
        ("[providers.a]\nprotocols = ['openai-chat']\nbase_url = 'ftp://x'", "must be http"),
        ("[providers.openai]\nkey = 'sk-1'", "providers.openai.key is not a known field"),
        ("[providers.openai]\nretries = 99", "retries must be a whole number from 0 to 10"),
        ("[providers.openai]\nidle_seconds = 'x'", "idle_seconds must be seconds"),
        ("[providers.openai.models.m]\ninput_usd = 1", "output_usd go together"),
        ("[providers.openai.models.m]\ninput_usd = -1\noutput_usd = 1", "must be dollars"),
        ("[providers.'a/b']\n", "neither a slash nor a comma"),
        ("providers = 3", "providers must be a table"),
        ("[", "no valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mogplex.toml"
    path.write_text(text)
    with pytest.raises(BadRequest) as refused:
        read_config(path, {})
    assert words in refused.value.message
    assert str(path) in refused.value.message
