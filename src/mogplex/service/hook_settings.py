"""Reading which messages of a forge start runs of a repo, from the wire form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mogplex.domain.fields import ReportFault, is_storable, kind_of, show
from mogplex.domain.hook import DEFAULT_ASSOCIATIONS, DEFAULT_LABEL, HookSettings, Trigger
from mogplex.domain.run import Delivery

ASSOCIATIONS = ("OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR")
MAX_PEOPLE = 100
_KNOWN = ("on", "label", "people", "associations", "delivery")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})\Z")


def read_hooks(name: str, value: Any, fault: ReportFault) -> HookSettings:
    """`{"on", "label", "people", "associations", "delivery"}`; faults go to `fault(field, reason)`."""
    if not isinstance(value, Mapping):
        fault(name, f"must be an object, not {kind_of(value)}")
        return HookSettings()
    for each in value:
        if each not in _KNOWN:
            fault(f"{name}.{str(each)[:60]}", f"is not a known field; known are {', '.join(_KNOWN)}")
    label = value.get("label")
    if label is not None and (not isinstance(label, str) or not 0 < len(label.strip()) <= 50 or not is_storable(label)):
        fault(f"{name}.label", "must be a label of 1 to 50 characters")
        label = None
    delivery = value.get("delivery")
    if delivery is not None and delivery not in list(Delivery):
        fault(f"{name}.delivery", f"must be one of {', '.join(Delivery)}, not {show(delivery)}")
        delivery = None
    if not value.get("on"):
        fault(f"{name}.on", f"must name what starts runs: some of {', '.join(Trigger)}; for nothing {name} is null")
    return HookSettings(
        on=tuple(Trigger(each) for each in _some(f"{name}.on", value.get("on"), tuple(Trigger), (), fault)),
        label=DEFAULT_LABEL if label is None else label.strip(),
        people=_read_people(f"{name}.people", value.get("people"), fault),
        associations=_some(
            f"{name}.associations", value.get("associations"), ASSOCIATIONS, DEFAULT_ASSOCIATIONS, fault
        ),
        delivery=Delivery.PULL_REQUEST if delivery is None else Delivery(delivery),
    )


def _some(
    name: str, value: Any, known: tuple[str, ...], default: tuple[str, ...], fault: ReportFault
) -> tuple[str, ...]:
    if value is None:
        return default
    if not isinstance(value, list) or any(each not in known for each in value):
        fault(name, f"must be a list of some of {', '.join(known)}")
        return default
    return tuple(each for each in known if each in value)


def _read_people(name: str, value: Any, fault: ReportFault) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_PEOPLE:
        fault(name, f"must be a list of at most {MAX_PEOPLE} logins")
        return ()
    for index, each in enumerate(value):
        if not isinstance(each, str) or not _LOGIN.match(each):
            fault(f"{name}[{index}]", f"{show(each)} is no login")
    return tuple(str(each) for each in value)
