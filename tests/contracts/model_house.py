"""A whole Mogplex whose providers are scripted models: one for each thing that can go wrong with a model."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from typing import Any

from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from tests.acceptance.house import House, assert_truthful, free_port

PROVIDER_KEY = "contract-provider-key-5f0e7c21"  # in no pattern of secrets: it is hidden because it is known
MODELS = {"codex": "gpt-5.5", "claude-code": "claude-opus-5-5", "builtin": "gpt-5.5"}
PROTOCOLS = ["openai-responses", "openai-chat", "anthropic-messages"]
END_STATUSES = ("success", "failed", "cancelled")


class Providers:
    """Scripted models on an event loop of their own, each a provider by the name of its scenario."""

    def __init__(self, scenarios: Mapping[str, str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.models = {
            name: self._call(ScriptedModel(parse_scenario(text, name)).__aenter__()) for name, text in scenarios.items()
        }

    def configure(self) -> str:
        """As `mogplex.toml`. Impatient, and without repetitions: what is tested is the harness behind it."""
        ports = {name: model.port for name, model in self.models.items()} | {"refused": free_port()}
        return "\n".join(
            f"[providers.{name}]\nprotocols = {json.dumps(PROTOCOLS)}\nbase_url = 'http://127.0.0.1:{port}/v1'\n"
            f"key_env = 'CONTRACT_PROVIDER_KEY'\nidle_seconds = 1\nretries = 0\n"
            f"first_byte_seconds = {60 if name == 'awaited' else 2}\n"
            for name, port in ports.items()
        )

    def close(self) -> None:
        for model in self.models.values():
            self._call(model.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class ModelHouse(House):
    """`providers` are asked with a key that nobody inside may ever see."""

    def __init__(self, providers: Providers, **settings: str) -> None:
        super().__init__(fresh=True, MOGPLEX_SLOTS="4", CONTRACT_PROVIDER_KEY=PROVIDER_KEY, **settings)
        self.home.mkdir()
        (self.home / "mogplex.toml").write_text(providers.configure())

    def begin(self, harness: str, provider: str, repo_id: str, **fields: Any) -> dict[str, Any]:
        model = f"{provider}/{MODELS[harness]}" if harness in MODELS else None
        body = {"repoId": repo_id, "harness": harness, "model": model, "createBranch": True, "prompt": "Mend it."}
        body |= fields
        started: dict[str, Any] = self.client.start_run({name: value for name, value in body.items() if value})
        return started

    def check_ended(self, run_id: str, secrets: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What holds of every ended run, whatever its harness; gives the run and its events, raw lines included."""
        run = assert_truthful(self, run_id)
        events = self.client.list_events(run_id, limit=1000, raw=True)["events"]
        everything = json.dumps([run, events])
        for secret in secrets:
            assert secret not in everything, f"{secret} is told by an event of {run_id}"
        for record in self.client.list_sandboxes()["sandboxes"]:
            if record["run_id"] == run_id:
                assert record["processes_left"] == 0
        return run, events
