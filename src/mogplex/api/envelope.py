"""The one shape of every JSON answer: `{"ok": true, "data"}` or `{"ok": false, "error"}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

JSON_TYPE = "application/json"


def encode_json(value: Any) -> bytes:
    """Compact UTF-8. Half a surrogate pair (a harness may print one) has no UTF-8: then everything is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def succeed(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode_json({"ok": True, "data": data}), status, headers, JSON_TYPE)


def refuse(error: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode_json({"ok": False, "error": error}), status, headers, JSON_TYPE)
