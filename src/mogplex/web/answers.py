"""Turning values into answers: templates, headers, compression."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response

from mogplex.domain.first_try import saved_usd
from mogplex.domain.run import OUTCOME_MEANING
from mogplex.domain.view import format_time
from mogplex.web import text
from mogplex.web.assets import Assets

# Nothing inline and nothing from elsewhere: text that gets into a page unescaped still can't run.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_WORTH_COMPRESSING_BYTES = 1000


class Templates:
    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=PackageLoader("mogplex.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(asset=assets.path_of, outcome_meaning=OUTCOME_MEANING, saved_usd=saved_usd)
        self._environment.filters.update(
            plain=text.plain,
            one_line=text.one_line,
            duration=text.duration,
            seconds=text.seconds,
            money=text.money,
            count=text.count,
            short_count=text.short_count,
            percent=text.percent,
            size=text.size,
            time=_time,
            pretty=_pretty,
        )

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(name).render(values)


def page_answer(html: str, accepts_gzip: bool, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page that nobody keeps."""
    sent = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",  # with none at all, browsers say no origin for forms either
        **(headers or {}),
    }
    body = html.encode("utf-8", "replace")
    if accepts_gzip and len(body) > _WORTH_COMPRESSING_BYTES:
        body = gzip.compress(body, 5, mtime=0)
        sent |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, status, sent, "text/html; charset=utf-8")


def redirect(path: str) -> Response:
    """After a form: the browser asks for `path` with GET, and going back does not send the form again."""
    return Response(b"", 303, {"Location": path, "Cache-Control": "no-store"})


def _time(seconds_since_1970: float | None, shape: str = "full") -> Markup:
    """UTC, for who reads without scripts; the script puts the local time there and UTC behind it."""
    if seconds_since_1970 is None:
        return Markup("–")
    shown = text.moment(seconds_since_1970)
    if shape == "time":
        shown = shown[11:19]
    return Markup('<time datetime="{}" data-shape="{}">{}</time>').format(
        format_time(seconds_since_1970), shape, escape(shown)
    )


def _pretty(value: Any) -> str:
    return text.plain(json.dumps(value, indent=2, ensure_ascii=False, default=str))
