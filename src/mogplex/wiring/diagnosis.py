"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mogplex.domain.ports import Probe
from mogplex.gateway.survey import ProviderState
from mogplex.home import Home
from mogplex.offers import Offers
from mogplex.settings import Settings
from mogplex.wiring.adapters import make_driver, make_layout


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `mogplex doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None


def diagnose(settings: Settings) -> list[Finding]:
    """What works on this machine and what to do about the rest; starts one sandbox, changes nothing."""
    driver, offers = make_driver(settings), Offers.build(settings)
    probed = [("sandbox", asyncio.run(driver.probe()))]
    probed += [(f"harness {name}", offers.probe(name)) for name in offers.harnesses]
    probed += [(f"models of {state.provider.name}", _probe_of(state)) for state in offers.survey.states()]
    if not offers.catalog.providers:
        probed.append(("models", Probe(True, "no provider is set up: only the harness repair works without", None)))
    findings = [Finding(name, probe.ok, _tell(probe), probe.remedy) for name, probe in probed]
    layout = make_layout(settings, Home(settings))
    findings.append(Finding("work folder", True, str(layout.work_dir)))
    return findings


def _probe_of(state: ProviderState) -> Probe:
    return Probe(state.ok, state.detail, state.remedy)


def _tell(probe: Probe) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in sorted(probe.facts.items()))
    return f"{probe.detail} ({facts})" if facts else probe.detail
