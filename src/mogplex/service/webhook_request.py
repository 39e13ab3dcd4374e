"""Reading what is asked of a webhook from its wire names: every fault is told, unknown names included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import kind_of
from mogplex.domain.webhook import Topic
from mogplex.egress.authority import BadAuthority, read_authority

MAX_URL_CHARACTERS = 2000
CHOICES = tuple(topic for topic in Topic if topic is not Topic.WEBHOOK_TEST)
_FIELDS = ("url", "events", "repos")


def read_webhook(body: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
    """The fields that `body` gives, by their wire names: `url`, `events` (topics in order, or None), `repos` (ids or
    names, or None for all) and, of a change, `enabled`. Raises BadRequest with one detail for each fault.
    """
    known = _FIELDS if creating else (*_FIELDS, "enabled")
    faults = [Detail(str(name)[:100], "is not a known field") for name in body if name not in known]
    url, events, repos = body.get("url"), body.get("events"), body.get("repos")
    if (creating or "url" in body) and (fault := url_fault(url)) is not None:
        faults.append(Detail("url", fault))
    if events is not None and (not isinstance(events, list) or not events or any(e not in CHOICES for e in events)):
        faults.append(Detail("events", f"must be a list of some of {', '.join(CHOICES)}"))
    if repos is not None and (not isinstance(repos, list) or not repos or any(not isinstance(r, str) for r in repos)):
        faults.append(Detail("repos", "must be a list of ids or names; leave it out for all"))
    if "enabled" in body and not creating and not isinstance(body["enabled"], bool):
        faults.append(Detail("enabled", f"must be true or false, not {kind_of(body['enabled'])}"))
    if faults:
        raise BadRequest("Invalid request: " + "; ".join(f"{each.field} {each.reason}" for each in faults), faults)
    topics = None if events is None else tuple(topic for topic in CHOICES if topic in events)
    asked = {"url": url, "events": topics, "repos": repos, "enabled": body.get("enabled")}
    return {name: value for name, value in asked.items() if name in body}


def url_fault(url: Any) -> str | None:
    """Why nothing can be sent to `url`; None when that can be tried."""
    if not isinstance(url, str):
        return "is required" if url is None else f"must be a string, not {kind_of(url)}"
    visible = url.isascii() and url.isprintable() and " " not in url
    if len(url) > MAX_URL_CHARACTERS or not visible:
        return f"must be at most {MAX_URL_CHARACTERS} visible ASCII characters"
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return f"must look like https://host/path, not {url[:100]!r}"
        if parts.username is not None or parts.fragment:
            return "may have no user name, password or fragment: the signature tells who sends"
        read_authority(parts.netloc, 443)
    except (ValueError, BadAuthority) as fault:
        return f"has no usable host: {fault}"
    return None
