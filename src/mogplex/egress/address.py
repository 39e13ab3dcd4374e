"""Which IP addresses may be dialled, and names to addresses: resolved once, and what was checked is what is dialled.

`ipaddress.is_private` and `is_global` are not used: they also cover the documentation ranges, which real networks
use for mirrors, and what they cover changed between versions of Python.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from mogplex.egress.authority import Authority

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[Authority], Awaitable[Sequence[str]]]  # raises OSError

RESOLVING_THREADS = 16  # of all runs of this process together
_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's private address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's metadata service"),  # the only one that lies in a public range
        ("169.254.0.0/16", "a link-local address, where clouds keep their metadata"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address of protocols"),
        ("192.168.0.0/16", "a private address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved or broadcast address"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("::/96", "an obsolete form of an IPv4 address"),
        ("64:ff9b:1::/48", "a private translation of IPv4"),
        ("100::/64", "a discard address"),
        ("2001::/32", "a tunnel to IPv4"),
        ("fc00::/7", "a unique local address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


class Unresolved(Exception):
    """The name has no address, or the resolver failed."""


class Refused(Exception):
    """No address of the name may be dialled; the message says what was wrong with the first."""


def find_address_fault(address: Address) -> str | None:
    """What kind of forbidden address this is, also when it is an IPv4 address in IPv6 clothes; None when it is fine."""
    for network, kind in _REFUSED:
        if address.version == network.version and address in network:
            return kind
    inner = _find_inner(address)
    return None if inner is None else find_address_fault(inner)


def is_own(address: Address) -> bool:
    """Whether this machine itself answers to `address`: the kernel lets a socket be bound to that alone."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError as error:
            return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


async def resolve(authority: Authority) -> Sequence[str]:
    """Every address of a name, by the system's resolver. Raises OSError."""
    look_up = functools.partial(socket.getaddrinfo, authority.host, authority.port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_find_threads(), look_up)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@functools.cache
def _find_threads() -> ThreadPoolExecutor:
    """Threads for look-ups alone: a name server that answers slowly on purpose must not hold up the worker's own."""
    return ThreadPoolExecutor(RESOLVING_THREADS, "egress-names")


@dataclass(frozen=True, slots=True)
class Reach:
    """How names become addresses that may be dialled. `permitted`: networks that are fine although they are forbidden
    for everybody else; only the operator of this machine may say so, never a repo."""

    resolve: Resolve = resolve
    permitted: tuple[Network, ...] = ()

    async def find(self, authority: Authority) -> list[Address]:
        """The addresses to dial, best first. Raises Unresolved or Refused."""
        try:
            answers = [authority.host] if authority.is_address else await self.resolve(authority)
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that the IDNA codec dislikes
            raise Unresolved(f"{authority.host} cannot be resolved: {error}") from error
        faults, fine = [], []
        for answer in answers:
            address = ip_address(answer)
            fault = self._find_fault(address)
            if fault is None:
                fine.append(address)
            else:
                faults.append(f"{authority.host} is {answer}, {fault}")
        if not fine:
            if faults:
                raise Refused(faults[0])
            raise Unresolved(f"{authority.host} has no address")
        return fine

    def _find_fault(self, address: Address) -> str | None:
        plain = _find_inner(address) or address
        if any(plain.version == network.version and plain in network for network in self.permitted):
            return None
        return find_address_fault(address) or ("an address of this machine" if is_own(plain) else None)


def _find_inner(address: Address) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address end up at (mapped, NAT64, 6to4), if it is such a one."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
