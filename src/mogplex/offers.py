"""What this machine can offer to runs: harnesses, the models they need, and why one of them can't be had now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mogplex.api.services import HarnessInfo
from mogplex.domain.ports import Harness, Probe
from mogplex.domain.redact import Redactor
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.domain.sanitiser import OpenSanitiser
from mogplex.gateway.catalog import Catalog
from mogplex.gateway.config import read_config
from mogplex.gateway.survey import Survey
from mogplex.harnesses import HARNESSES
from mogplex.home import Home
from mogplex.settings import Settings

HARNESS_PREFERENCE = ("codex", "claude-code", "builtin", "repair")
MODEL_REMEDY = "set ANTHROPIC_API_KEY or OPENAI_API_KEY for the server, or name a provider in mogplex.toml"


@dataclass(frozen=True, slots=True)
class Offers:
    """The harnesses by name, and the models that are set up."""

    harnesses: Mapping[str, Harness]
    catalog: Catalog
    survey: Survey

    @staticmethod
    def build(settings: Settings) -> Offers:
        """Raises BadRequest when the file of model providers can't be used."""
        shared = Home(settings).work_dir / "tools"
        offered = [name for name in HARNESSES if name != "scripted" or settings.scripted_harness]
        programs = {"codex": settings.codex_bin, "claude-code": settings.claude_bin}
        harnesses = {
            name: HARNESSES[name](shared, programs[name]) if name in programs else HARNESSES[name](shared)
            for name in offered
        }
        catalog = Catalog(read_config(settings.config_path, os.environ, settings.model or None))
        return Offers(harnesses, catalog, Survey(catalog))

    def choose_harness(self, repo: Repo) -> str:
        """The first that can run now, with a model if it needs one. The repo's own choice comes before this."""
        present = (name for name in HARNESS_PREFERENCE if name in self.harnesses)
        return next((name for name in present if self.probe(name).ok), HARNESS_PREFERENCE[-1])

    def probe(self, name: str) -> Probe:
        """Whether the harness can run now: it is installed, and a model that it can speak to is set up."""
        harness = self.harnesses[name]
        reason = self.catalog.reason_against(harness.protocols)
        probe = harness.probe()
        if not probe.ok or reason is None:
            return probe
        return Probe(False, reason, MODEL_REMEDY, probe.facts)

    def settle_model(self, run: Run) -> Run:
        """The run with the model that it will use. Raises BadRequest when its harness can't work with that."""
        protocols = self.harnesses[run.harness].protocols
        if not protocols or run.replay_of is not None:
            return run
        settled = self.catalog.settle(run.model, protocols, in_dollars=run.budget.usd is not None)
        return replace(run, model=settled)

    def harness_infos(self) -> list[HarnessInfo]:
        return [_info(name, self.probe(name)) for name in self.harnesses]

    def open_sanitiser(self) -> OpenSanitiser:
        """Makes sanitisers that know the providers' keys besides what they are told."""
        return Redactor(self.catalog.secrets()).with_secrets


def _info(name: str, probe: Probe) -> HarnessInfo:
    reason = None if probe.ok else probe.detail
    return HarnessInfo(name, probe.ok, probe.facts.get("version"), reason, probe.remedy)
