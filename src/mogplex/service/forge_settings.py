"""Reading where a repo's pull requests are opened, from its wire form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mogplex.domain.fields import ReportFault, is_storable, kind_of, show
from mogplex.domain.forge import ForgeKind, ForgeSettings, project_fault

MAX_LABELS = 20
MAX_URL_CHARACTERS = 2000
_KNOWN = ("kind", "apiUrl", "project", "labels")


def read_forge(name: str, value: Any, fault: ReportFault) -> ForgeSettings:
    """`{"kind", "apiUrl", "project", "labels"}`, each of which may be left out; faults go to `fault(field, reason)`."""
    if not isinstance(value, Mapping):
        fault(name, f"must be an object, not {kind_of(value)}")
        return ForgeSettings()
    for each in value:
        if each not in _KNOWN:
            fault(f"{name}.{str(each)[:60]}", f"is not a known field; known are {', '.join(_KNOWN)}")
    return ForgeSettings(
        kind=_read_kind(f"{name}.kind", value.get("kind"), fault),
        api_url=_read_text(f"{name}.apiUrl", value.get("apiUrl"), _url_fault, fault),
        project=_read_text(f"{name}.project", value.get("project"), project_fault, fault),
        labels=_read_labels(f"{name}.labels", value.get("labels"), fault),
    )


def _read_kind(name: str, value: Any, fault: ReportFault) -> ForgeKind | None:
    if value is None or value in list(ForgeKind):
        return None if value is None else ForgeKind(value)
    fault(name, f"must be one of {', '.join(ForgeKind)}, not {show(value)}")
    return None


def _read_text(name: str, value: Any, fault_of: Any, fault: ReportFault) -> str | None:
    if value is None:
        return None
    found = fault_of(value) if isinstance(value, str) else f"must be a string, not {kind_of(value)}"
    if found is not None:
        fault(name, found)
        return None
    return str(value).rstrip("/")


def _read_labels(name: str, value: Any, fault: ReportFault) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_LABELS:
        fault(name, f"must be a list of at most {MAX_LABELS} labels")
        return None
    for index, each in enumerate(value):
        fine = isinstance(each, str) and 0 < len(each.strip()) <= 50 and each.isprintable() and is_storable(each)
        if not fine or "," in each:
            fault(f"{name}[{index}]", "must be a label of 1 to 50 characters without a comma")
    return tuple(str(each).strip() for each in value)


def _url_fault(url: str) -> str | None:
    visible = url.isascii() and url.isprintable() and " " not in url
    if len(url) > MAX_URL_CHARACTERS or not visible:
        return f"must be at most {MAX_URL_CHARACTERS} visible ASCII characters"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return f"must look like https://host/api/v3, not {url[:100]!r}"
    if parts.username is not None or parts.query or parts.fragment:
        return "may have no user name, password, query or fragment: the credential is a secret of the repo"
    return None
