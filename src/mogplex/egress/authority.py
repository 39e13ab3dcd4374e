"""`host:port`, read strictly: two programs that read it differently are how a refused host gets reached."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

MAX_NAME_CHARACTERS = 253
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"({_LABEL}\.)*{_LABEL}\Z")
_AUTHORITY = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,254}))(?::(?P<port>[0-9]{1,5}))?\Z"
)


class BadAuthority(ValueError):
    """The text names no host and port; the message says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """`host` is a lower-case name without a final dot, or an IP address in its usual short form."""

    host: str
    port: int

    @property
    def is_address(self) -> bool:
        """Whether `host` is an IP address and no name."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_authority(text: str, default_port: int | None = None) -> Authority:
    """No user names, no spaces, no other spellings of an IPv4 address. Raises BadAuthority, also without any port."""
    match = _AUTHORITY.match(text)
    if match is None:
        raise BadAuthority(f"{text[:100]!r} is not HOST:PORT")
    port = int(match["port"]) if match["port"] else default_port
    if port is None:
        raise BadAuthority(f"{text[:100]!r} names no port")
    if not 0 < port < 65536:
        raise BadAuthority(f"port {port} is not from 1 to 65535")
    return Authority(_read_six(match["six"]) if match["six"] else read_name(match["name"]), port)


def read_name(text: str) -> str:
    """A host name or IPv4 address in the one form that is compared. Raises BadAuthority."""
    name = text.lower().removesuffix(".")
    if len(name) > MAX_NAME_CHARACTERS or not _NAME.match(name):
        raise BadAuthority(f"{text[:100]!r} is no host name")
    last = name.rpartition(".")[2]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        # Resolvers read 127.1, 0x7f.1 and 2130706433 as addresses. There is one spelling here.
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise BadAuthority(f"{text[:100]!r} is neither a host name nor a whole IPv4 address") from None
    return name


def _read_six(text: str) -> str:
    try:
        return ipaddress.IPv6Address(text).compressed
    except ValueError:
        raise BadAuthority(f"{text[:100]!r} is no IPv6 address") from None
