"""What a setting's text may be: parsers, each of which raises ValueError that says what it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mogplex.domain.worker import label_fault


def setting(variable: str, default: Any, meaning: str, parse: Callable[[str], Any], *, shown: bool = True) -> Any:
    return field(default=default, repr=shown, metadata={"variable": variable, "meaning": meaning, "parse": parse})


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"must be from {low:,} to {high:,}")
        return number

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text)
        if not low <= number <= high:
            raise ValueError(f"must be from {low:g} to {high:g}")
        return number

    return parse


def duration(text: str) -> float:
    """Seconds, written as `90d`, `36h` or `30m`."""
    units = {"d": 86400.0, "h": 3600.0, "m": 60.0}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isascii() or not number.isdecimal() or not 0 < int(number) < 1_000_000:
        raise ValueError("must be a number with d, h or m behind it, such as 90d")
    return int(number) * units[unit]


def dollars(text: str) -> float:
    amount = float(text)
    if not 0 < amount < 1_000_000_000:
        raise ValueError("must be an amount above 0")
    return amount


def word(text: str) -> str:
    return text


def one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def switch(text: str) -> bool:
    words = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
    if text.lower() not in words:
        raise ValueError("must be on or off")
    return words[text.lower()]


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def labels(text: str) -> tuple[str, ...]:
    """Labels of a worker, separated by commas."""
    found = words(text)
    for label in found:
        if (fault := label_fault(label)) is not None:
            raise ValueError(fault)
    return found


def hosts(text: str) -> tuple[str, ...]:
    return () if text == "none" else words(text)


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(word.strip()) for word in text.split(",") if word.strip())


def folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(word) for word in words(text))


def folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def public_url(text: str) -> str:
    """Without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must look like https://mogplex.example.org")
    return text.rstrip("/")
