"""What a sandbox on this machine does not hold, in words for people: said wherever somebody might take it for more."""

from __future__ import annotations

from collections.abc import Mapping

from mogplex.domain.ports import Probe

NO_ISOLATION = (
    "No isolation (MOGPLEX_SANDBOX=unconfined): commands of agents, setups and checks run as the worker's own kind of "
    "user on this machine, and reach its files, its processes and its network."
)
NO_CONTROL_GROUPS = (
    "No control groups that can be written: memory is watched from outside, so short peaks pass and memory that is no "
    "process's own is not seen; give the service a delegated cgroup (systemd: Delegate=yes)."
)


def find_weaknesses(driver: str, enforced: Mapping[str, str]) -> tuple[str, ...]:
    """`enforced`: limit -> by what it is held, as `SandboxProcess.enforced` tells. Empty: nothing is missing."""
    if driver == "unconfined":
        return (NO_ISOLATION,)
    return (NO_CONTROL_GROUPS,) if enforced.get("memory_bytes") not in ("cgroup", None) else ()


def limits_of(probe: Probe) -> dict[str, str]:
    """What a driver's probe told of its limits, as `SandboxProcess.enforced` would."""
    return {name.removeprefix("limit."): means for name, means in probe.facts.items() if name.startswith("limit.")}
