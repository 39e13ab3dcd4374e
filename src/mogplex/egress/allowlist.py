"""Which hosts and ports a repo's sandboxes may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mogplex.egress.authority import Authority

DEFAULT_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class _Pattern:
    host: str
    below: bool  # *.host: every name below it, not itself
    ports: frozenset[int]

    def fits_host(self, authority: Authority) -> bool:
        if self.below:
            return not authority.is_address and authority.host.endswith(f".{self.host}")
        return authority.host == self.host


class AllowList:
    """Patterns: `example.org`, `*.example.org` (all names below, at any depth), either with `:PORT`.

    Without a port, 80 and 443 are meant. An IP address fits only when it is listed itself. A pattern that makes no
    sense fits nothing.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(_read(pattern) for pattern in patterns)

    def find_fault(self, authority: Authority) -> str | None:
        """Why `authority` may not be reached; None when it may."""
        fitting = [pattern for pattern in self._patterns if pattern.fits_host(authority)]
        if not fitting:
            kind = "address" if authority.is_address else "host"
            return f"the {kind} is not on the repo's list of allowed hosts"
        ports = frozenset[int]().union(*(pattern.ports for pattern in fitting))
        if authority.port not in ports:
            listed = ", ".join(map(str, sorted(ports)))
            return f"port {authority.port} of this host is not allowed, only {listed}"
        return None


def _read(text: str) -> _Pattern:
    host, colon, port = text.strip().lower().partition(":")
    below = host.startswith("*.")
    ports = frozenset({int(port)}) if port.isascii() and port.isdigit() else frozenset()
    return _Pattern(host.removeprefix("*.").removesuffix("."), below, ports if colon else DEFAULT_PORTS)
