"""Column types that mean the same on both databases."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class JsonText(sa.types.TypeDecorator[Any]):
    """A JSON value kept as ASCII text: escapes carry what PostgreSQL's own type refuses (NUL, half surrogates)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def encode(value: Any) -> str:
    """JSON without the numbers that JSON does not know: NaN and infinities become strings. Raises TypeError."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        known = json.loads(json.dumps(value), parse_constant=str)
        return json.dumps(known, separators=(",", ":"), allow_nan=False)


def storable(text: str) -> str:
    """`text` with what no UTF-8 text column can hold replaced: NUL and half surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
