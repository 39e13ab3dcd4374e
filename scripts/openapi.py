"""Prints the API's OpenAPI document as the TypeScript client is made from it, or with --fingerprint its SHA-256."""

from __future__ import annotations

import hashlib
import json
import sys

from mogplex.api.app import ROUTES
from mogplex.api.openapi import describe


def write_document() -> str:
    """The routes of the API proper; its version is left out, since it changes no type."""
    return json.dumps(describe(ROUTES, "0"), sort_keys=True, indent=1)


if __name__ == "__main__":
    text = write_document()
    print(hashlib.sha256(text.encode()).hexdigest() if "--fingerprint" in sys.argv[1:] else text)
