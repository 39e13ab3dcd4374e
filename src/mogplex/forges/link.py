"""JSON to and from one forge, and plain words for each way in which it can refuse."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from mogplex.domain.exchange import NoReply, Reply, Send
from mogplex.domain.forge import AlreadyThere, ForgeBusy, ForgeFault

MAX_HEARD_CHARACTERS = 300
SET_TOKEN = "mogplex repos secrets set REPO FORGE --for forge"


class Link:
    """`authorise()` gives the headers that say who asks; `forget()` drops what it kept, if it keeps anything, so that
    after a 401 it is asked anew, once."""

    def __init__(
        self,
        send: Send,
        api_url: str,
        authorise: Callable[[], Mapping[str, str]],
        forget: Callable[[], None] | None = None,
    ) -> None:
        self._send = send
        self._api_url = api_url
        self._authorise = authorise
        self._forget = forget

    @property
    def host(self) -> str:
        return urlsplit(self._api_url).netloc

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        api_url: str | None = None,
    ) -> Any:
        """What a 2xx answer holds, None when that is nothing. `api_url`: another one of the same forge.

        Raises ForgeBusy for 429, 5xx and silence, AlreadyThere for a 409 or 422 that says so, else ForgeFault.
        """
        url = f"{api_url or self._api_url}{path}" + (f"?{urlencode(query)}" if query else "")
        reply = self._ask(method, url, body)
        if reply.status == 401 and self._forget is not None:  # what was kept may have been revoked
            self._forget()
            reply = self._ask(method, url, body)
        if not 200 <= reply.status < 300:
            raise self._explain(method, path, reply)
        try:
            return json.loads(reply.body) if reply.body.strip() else None
        except ValueError as fault:
            raise ForgeFault(
                f"{self.host} answered {method} {path} with something that is no JSON: check the forge's API URL "
                "(mogplex repos set REPO --forge-url https://HOST/api/…)."
            ) from fault

    def _ask(self, method: str, url: str, body: Mapping[str, Any] | None) -> Reply:
        headers = {"Accept": "application/json", "User-Agent": "mogplex", **self._authorise()}
        encoded = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            encoded = json.dumps(body).encode()
        try:
            return self._send(method, url, headers, encoded)
        except NoReply as fault:
            raise ForgeBusy(f"The forge can't be reached: {fault}.") from fault

    def _explain(self, method: str, path: str, reply: Reply) -> ForgeFault:
        said, status = heard(reply), reply.status
        where = f"{self.host} answered {method} {path} with {status}" + (f" ({said})" if said else "")
        if status == 429 or status >= 500 or _is_rate_limit(reply):
            return ForgeBusy(f"{where}.", retry_after(reply))
        if status in (409, 422) and "already exists" in said:
            return AlreadyThere(f"{where}.", status)
        return ForgeFault(f"{where}: {_remedy(status)}", status)


def heard(reply: Reply) -> str:
    """What the forge said, as one short line."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return ""
    if not isinstance(found, Mapping):
        return ""
    parts = [found.get("message"), found.get("error"), found.get("error_description")]
    errors = found.get("errors")
    parts += [each.get("message") if isinstance(each, Mapping) else each for each in errors or []] if errors else []
    flat = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    return " ".join("; ".join(str(each) for each in flat if each).split())[:MAX_HEARD_CHARACTERS]


def retry_after(reply: Reply) -> float | None:
    """Seconds that the forge asks for, in either of two ways."""
    if reply.retry_after_seconds is not None:
        return reply.retry_after_seconds
    reset = reply.headers.get("x-ratelimit-reset") or reply.headers.get("ratelimit-reset")
    if reset and reset.isdecimal() and _is_rate_limit(reply):
        return max(float(reset) - time.time(), 0.0)
    return None


def _is_rate_limit(reply: Reply) -> bool:
    """GitHub says 403 when too much was asked."""
    if reply.status not in (403, 429):
        return False
    return "retry-after" in reply.headers or reply.headers.get("x-ratelimit-remaining") == "0"


def _remedy(status: int) -> str:
    if status == 401:
        return f"the credential is wrong or has expired. Set a new one: {SET_TOKEN}"
    if status == 403:
        return (
            "the credential may not do that. It needs to write pull requests (GitHub: `Pull requests: write`, for "
            "labels `Issues: write`; GitLab and Gitea: a token with `api` or `write:repository` and `write:issue`)."
        )
    if status == 404:
        return (
            "there is no such project, or the credential may not see it. Check the name (mogplex repos set REPO "
            "--forge-project owner/name) and what the token may reach."
        )
    if 300 <= status < 400:
        return (
            "it sends elsewhere, and no redirect is followed. Was the project renamed or moved? Then name it anew: "
            "mogplex repos set REPO --forge-project owner/name, or --forge-url."
        )
    return "mend what it complains about, then retry the run."
