"""What callers can meet is documented: these tests fail when a route, event, outcome or error is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mogplex.api.app import ROUTES
from mogplex.api.errors import STATUS_OF
from mogplex.api.openapi import document_path
from mogplex.api.schemas import RUN
from mogplex.domain.bodies import KEY_REQUEST, REPO_REQUEST, RUN_REQUEST
from mogplex.domain.errors import ErrorCode
from mogplex.domain.event import EventType
from mogplex.domain.run import OUTCOME_MEANING, Outcome, Status, Verdict
from mogplex.domain.view import API_PATH

DOCS = Path(__file__).parents[1] / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.S | re.M)
    assert found, f"no section {heading!r}"
    return found.group(1)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_has_a_section_with_a_command_and_its_scope(route) -> None:  # type: ignore[no-untyped-def]
    path = document_path(route.path).removeprefix(API_PATH)
    text = section(read("api.md"), f"`{route.method} {path}`")
    commands = re.findall(r"^curl .*?(?<!\\)$", text, re.S | re.M)
    assert len(commands) == 1
    pattern = re.sub(r"\\{\w+\\}", "(\\\\$\\\\w+|acme/widgets)", re.escape(path))
    assert re.search(rf'"\$api{pattern}["?]', commands[0]), commands[0]
    explicit = re.search(r"-X (\w+)", commands[0])
    method = explicit.group(1) if explicit else "POST" if " -d " in commands[0] and " -G " not in commands[0] else "GET"
    assert method == route.method
    assert (f"`{route.needs}`" if route.needs else "Any key") in text
    for parameter in route.parameters:
        if parameter.where == "query" and parameter.name not in ("limit", "cursor"):
            assert f"`{parameter.name}`" in text or f"{parameter.name}=" in text, parameter.name


def test_no_route_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"^### `(\w+) (\S+)`$", read("api.md"), re.M))
    assert documented == {(route.method, document_path(route.path).removeprefix(API_PATH)) for route in ROUTES}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs"])
def test_paths_without_a_key_are_listed(path: str) -> None:
    assert f"`GET {path}`" in read("api.md")


def test_every_field_of_a_request_is_named() -> None:
    for heading, schema in [
        ("`POST /runs`", RUN_REQUEST),
        ("`POST /repos`", REPO_REQUEST),
        ("`POST /keys`", KEY_REQUEST),
    ]:
        text = section(read("api.md"), heading)
        assert [name for name in schema["properties"] if f"`{name}`" not in text] == [], heading


def test_every_outcome_stands_with_its_status_and_meaning() -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (.*) \|$", section(read("api.md"), "Outcomes"), re.M)
    assert rows == [(outcome.status, outcome, OUTCOME_MEANING[outcome]) for outcome in Outcome]


def test_every_field_of_the_run_object_is_explained() -> None:
    text = section(read("api.md"), "The run object")
    assert [name for name in RUN["properties"] if f"`{name}`" not in text] == []


def test_every_status_and_verdict_is_named() -> None:
    text = section(read("api.md"), "The run object")
    assert [word for word in (*Status, *Verdict) if f"`{word}`" not in text] == []


def test_every_event_type_has_a_row_with_its_payload() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\|$", section(read("events.md"), "Types"), re.M)
    assert [name for name, _, _ in rows] == list(EventType)


def test_every_error_code_has_meaning_cause_and_remedy() -> None:
    text = read("errors.md")
    assert re.findall(r"^## `(\w+)`$", text, re.M) == list(ErrorCode)
    for code in ErrorCode:
        part = section(text, f"`{code}`")
        assert all(f"**{word}.**" in part for word in ("Meaning", "Cause", "Remedy")), code
        assert re.search(rf"^\| \[`{code}`\]\(#{code.lower()}\) \| {STATUS_OF[code]}\b", text, re.M), code


def test_links_between_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
