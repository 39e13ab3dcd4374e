"""A GitHub App as a credential: its id and private key, for which GitHub gives tokens that live an hour."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

_FIELDS = frozenset({"appId", "privateKey", "installationId"})


@dataclass(frozen=True, slots=True)
class AppKey:
    """`installation_id` None: asked from GitHub by the project's name."""

    app_id: str
    private_key: str = field(repr=False)
    installation_id: int | None = None

    @staticmethod
    def of(text: str) -> AppKey:
        """From `{"appId", "privateKey", "installationId"?}`. Raises ValueError that shows none of it."""
        try:
            found = json.loads(text)
        except ValueError:
            raise ValueError("it is no JSON object") from None
        if not isinstance(found, dict) or set(found) - _FIELDS:
            raise ValueError("it must be a JSON object with appId, privateKey and, if you like, installationId only")
        app_id, key, installation = found.get("appId"), found.get("privateKey"), found.get("installationId")
        if isinstance(app_id, bool) or not isinstance(app_id, int | str) or not str(app_id).strip():
            raise ValueError("appId must be the App's id (a number) or its client id")
        if not isinstance(key, str) or "PRIVATE KEY-----" not in key:
            raise ValueError("privateKey must be the text of the .pem file that GitHub made")
        if installation is not None and (isinstance(installation, bool) or not isinstance(installation, int)):
            raise ValueError("installationId must be a number")
        return AppKey(str(app_id).strip(), key, installation)


def is_app(text: str) -> bool:
    return text.lstrip().startswith("{")
