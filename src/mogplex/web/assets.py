"""Style and script, read once: compressed, and named by their content so that browsers may keep them for good."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from starlette.datastructures import Headers
from starlette.responses import Response

_PARTS = {
    "app.css": ("static/app.css",),
    # One request for all scripts. htmx asks for its extension by event, so the order is theirs.
    "app.js": ("vendor/htmx.min.js", "vendor/hx-sse.min.js", "static/app.js"),
    "icon.svg": ("static/icon.svg",),
}
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    path: str
    plain: bytes
    packed: bytes
    media_type: str

    def answer(self, headers: Headers) -> Response:
        packed = "gzip" in headers.get("accept-encoding", "")
        sent = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if packed:
            sent["Content-Encoding"] = "gzip"
        return Response(self.packed if packed else self.plain, 200, sent, self.media_type)


class Assets:
    """`path_of` gives the address for a page, `find` the file for an address."""

    def __init__(self) -> None:
        found = [_read(name, parts) for name, parts in _PARTS.items()]
        self._by_name: Mapping[str, Asset] = dict(zip(_PARTS, found, strict=True))
        self._by_path: Mapping[str, Asset] = {asset.path: asset for asset in found}

    def path_of(self, name: str) -> str:
        return self._by_name[name].path

    def find(self, path: str) -> Asset | None:
        return self._by_path.get(path)


def _read(name: str, parts: tuple[str, ...]) -> Asset:
    content = b"\n;\n".join(files("mogplex.web").joinpath(part).read_bytes() for part in parts)
    stem, _, kind = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"/assets/{stem}.{digest}.{kind}", content, gzip.compress(content, 9, mtime=0), _TYPES[kind])
