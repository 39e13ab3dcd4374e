"""Providers that everybody knows: enough is said by their name and a key in the server's environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mogplex.domain.model import ModelProtocol
from mogplex.gateway.provider import Provider

_OPENAI = (ModelProtocol.RESPONSES, ModelProtocol.CHAT)
_ALL = (ModelProtocol.RESPONSES, ModelProtocol.CHAT, ModelProtocol.MESSAGES)

# Name -> what is known of it. `default_model` is used when neither the run nor the settings name one.
PRESETS: Mapping[str, Provider] = {
    "anthropic": Provider(
        "anthropic",
        (ModelProtocol.MESSAGES,),
        "https://api.anthropic.com",
        key_source="ANTHROPIC_API_KEY",
        prefixes=("claude-",),
        default_model="claude-opus-5-5",
    ),
    "openai": Provider(
        "openai",
        _OPENAI,
        "https://api.openai.com/v1",
        key_source="OPENAI_API_KEY",
        prefixes=("gpt-", "o1", "o3", "o4", "codex-"),
        default_model="gpt-5.5",
    ),
    "openrouter": Provider(
        "openrouter",
        _ALL,
        "https://openrouter.ai/api/v1",
        key_source="OPENROUTER_API_KEY",
        key_header="authorization",
        prefixes=("anthropic/", "openai/", "google/", "meta-llama/", "mistralai/", "qwen/", "deepseek/", "x-ai/"),
    ),
    "ollama": Provider("ollama", _ALL, "http://127.0.0.1:11434/v1", key_needed=False),
    "lmstudio": Provider("lmstudio", _ALL, "http://127.0.0.1:1234/v1", key_needed=False),
    "vllm": Provider("vllm", _ALL, "http://127.0.0.1:8000/v1", key_needed=False),
}

# Those that are there as soon as their key is, and the variable that moves them.
_BY_KEY = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openrouter": ("OPENROUTER_API_KEY", ""),
}


def providers_of(environment: Mapping[str, str]) -> list[Provider]:
    """The providers whose key is in the environment. One that was moved to another server takes any model's name."""
    found = []
    for name, (key_variable, url_variable) in _BY_KEY.items():
        key, url = environment.get(key_variable, "").strip(), environment.get(url_variable, "").strip()
        if key and url:
            found.append(replace(PRESETS[name], key=key, base_url=url, prefixes=()))
        elif key:
            found.append(replace(PRESETS[name], key=key))
    return found
