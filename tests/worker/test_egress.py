"""The way out as the worker sets it up: nothing without allowed hosts, and the truth where it can't be held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from mogplex.domain.event import EventDraft
from mogplex.domain.ports import SandboxSpec
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.sandboxes.unconfined import UnconfinedDriver
from mogplex.worker.egress import PORT, Egress

SPEC = SandboxSpec("test", ("/usr/bin/true",), environment={"OWN": "1", "http_proxy": "http://elsewhere.test"})


def equip(driver: Any, allow_hosts: Sequence[str]) -> tuple[SandboxSpec, list[EventDraft]]:
    told: list[EventDraft] = []

    async def tell(draft: EventDraft) -> None:
        told.append(draft)

    async def main() -> SandboxSpec:
        async with Egress(allow_hosts, tell, driver) as egress:
            return egress.equip(SPEC)

    return asyncio.run(main()), told


def test_without_allowed_hosts_nothing_changes() -> None:
    assert equip(BubblewrapDriver(), ()) == (SPEC, [])


def test_with_allowed_hosts_programs_find_the_proxy_whatever_the_environment_said() -> None:
    spec, told = equip(BubblewrapDriver(), ["example.org"])
    assert spec.listeners == (PORT,)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        assert spec.environment[name] == f"http://127.0.0.1:{PORT}"
    assert spec.environment["no_proxy"] == "127.0.0.1,localhost"
    assert spec.environment["OWN"] == "1"
    assert told == []  # nothing moved, so nothing is to be told


def test_a_driver_that_cannot_hold_to_the_list_is_told_of() -> None:
    spec, told = equip(UnconfinedDriver(), ["example.org"])
    assert spec == SPEC
    assert [draft.payload for draft in told] == [{"stream": "egress"}]
    assert "unconfined" in str(told[0].message)
