"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mogplex.domain.errors import BadRequest
from mogplex.domain.ports import Probe
from mogplex.domain.weakness import find_weaknesses, limits_of
from mogplex.gateway.survey import ProviderState
from mogplex.home import Home
from mogplex.offers import Offers
from mogplex.sandboxes.runner import Runner
from mogplex.settings import Settings
from mogplex.wiring.adapters import make_driver, make_layout
from mogplex.worker.toolchains import Toolchains


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `mogplex doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    warning: bool = False  # it works, and is weaker than it should be


def diagnose(settings: Settings) -> list[Finding]:
    """What works on this machine and what to do about the rest; starts one sandbox, changes nothing."""
    driver, offers = make_driver(settings), Offers.build(settings)
    sandbox = asyncio.run(driver.probe())
    probed = [("sandbox", sandbox)]
    probed += [(f"harness {name}", offers.probe(name)) for name in offers.harnesses]
    probed += [(f"models of {state.provider.name}", _probe_of(state)) for state in offers.survey.states()]
    if not offers.catalog.providers:
        probed.append(("models", Probe(True, "no provider is set up: only the harness repair works without", None)))
    findings = [Finding(name, probe.ok, _tell(probe), probe.remedy) for name, probe in probed]
    weaknesses = find_weaknesses(driver.name, limits_of(sandbox)) if sandbox.ok else ()
    findings[1:1] = [Finding("sandbox", True, weakness, warning=True) for weakness in weaknesses]
    findings.append(_find_toolchains(settings))
    layout = make_layout(settings, Home(settings))
    findings.append(Finding("work folder", True, str(layout.work_dir)))
    return findings


def _find_toolchains(settings: Settings) -> Finding:
    try:
        toolchains = Toolchains.build(settings.toolchains, Runner.detect(settings.runner_uid).uid)
    except BadRequest as fault:
        return Finding("toolchains", False, fault.message, "correct MOGPLEX_TOOLCHAINS")
    pythons = ", ".join(f"{each.version} ({each.path})" for each in toolchains.interpreters()) or "none"
    folders = ", ".join(map(str, toolchains.folders)) or "none"
    return Finding("toolchains", True, f"{folders}; Python {pythons}")


def _probe_of(state: ProviderState) -> Probe:
    return Probe(state.ok, state.detail, state.remedy)


def _tell(probe: Probe) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in sorted(probe.facts.items()))
    return f"{probe.detail} ({facts})" if facts else probe.detail
