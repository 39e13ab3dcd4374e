"""How many bytes went out to which host and came back from it."""

from __future__ import annotations

from dataclasses import dataclass

MAX_HOSTS = 100  # `*.example.org` allows names without end
OTHERS = "(others)"


@dataclass(slots=True)
class Traffic:
    """In bytes, as seen by the sandbox; heads that the proxy itself answers are not counted."""

    sent: int = 0
    received: int = 0


class Meter:
    """Counts for all connections of one run."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._total_bytes = 0
        self.hosts: dict[str, Traffic] = {}

    @property
    def is_used_up(self) -> bool:
        return self._total_bytes >= self._limit_bytes

    def sent(self, host: str, size_bytes: int) -> None:
        self._find(host).sent += size_bytes
        self._total_bytes += size_bytes

    def received(self, host: str, size_bytes: int) -> None:
        self._find(host).received += size_bytes
        self._total_bytes += size_bytes

    def _find(self, host: str) -> Traffic:
        if host not in self.hosts and len(self.hosts) >= MAX_HOSTS:
            host = OTHERS
        return self.hosts.setdefault(host, Traffic())
