"""The part of a repo's form about its forge: where pull requests are opened, and which of its messages start runs."""

from __future__ import annotations

from typing import Any

from mogplex.domain.forge import ForgeKind
from mogplex.domain.hook import Trigger
from mogplex.domain.repo import Repo
from mogplex.service.hook_settings import ASSOCIATIONS as ASSOCIATIONS
from mogplex.web.visit import Form

FORGES = tuple(ForgeKind)
TRIGGERS = tuple(Trigger)


def forge_values(repo: Repo) -> dict[str, str]:
    """What the form shows."""
    forge, hooks = repo.forge, repo.hooks
    return {
        "forgeKind": forge.kind or "",
        "forgeUrl": forge.api_url or "",
        "forgeProject": forge.project or "",
        "forgeLabels": "\n".join(forge.labels or ()),
        "hookOn": "\n".join(hooks.on),
        "hookLabel": hooks.label,
        "hookPeople": "\n".join(hooks.people),
        "hookFrom": "\n".join(hooks.associations),
        "hookDelivery": hooks.delivery,
    }


def forge_body(form: Form, repo: Repo | None) -> dict[str, Any]:
    """`forge` and `hooks` as requests give them; None where the form has nothing (nothing starts runs, say)."""
    labels: list[str] | None = form.lines("forgeLabels") or None
    if labels is None and repo is not None and repo.forge.labels == ():
        labels = []  # none at all, which is not the same as nothing said
    forge = {
        "kind": form.get("forgeKind"),
        "apiUrl": form.get("forgeUrl"),
        "project": form.get("forgeProject"),
        "labels": labels,
    }
    hooks = {
        "on": form.all("hookOn") or None,
        "label": form.get("hookLabel"),
        "people": form.lines("hookPeople") or None,
        "associations": form.all("hookFrom") or None,
        "delivery": form.get("hookDelivery"),
    }
    return {"forge": _given(forge), "hooks": _given(hooks) if hooks["on"] else None}


def _given(values: dict[str, Any]) -> dict[str, Any] | None:
    return {name: value for name, value in values.items() if value is not None} or None
