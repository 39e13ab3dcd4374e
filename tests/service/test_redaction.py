"""Whatever this process knows to be secret, in whatever shape, at whatever place, is taken out before it is stored."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.redact import Redactor
from mogplex.domain.run import Changes, Outcome, Run, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.service.known_secrets import KnownSecrets
from mogplex.store.database import Database
from mogplex.store.schema import metadata
from mogplex.traces.spans import Span, trace_of
from tests.house import House, ending

PROVIDER_KEY = "prov/key+7f3a 9c<0d>'1'"  # as the gateway tells it to every sanitiser
GIT_TOKEN = "gitTok3n-7f3a9c0d22"
KNOWN = {
    "secret of the repo": "s3cret/of+the <repo> & 'co'",
    "variable of the repo": "variable?of=the repo/1",
    "variable of the run": "variable?of=the run/2",
    "git credential": GIT_TOKEN,
    "git credential on the wire": base64.b64encode(f"x-access-token:{GIT_TOKEN}".encode()).decode(),
    "key of a model provider": PROVIDER_KEY,
}


def inside(value: str, before: int) -> str:
    """The Base64 of more than the secret, which begins in the middle of a group; what depends on it alone."""
    raw = b"\x01" * before + value.encode()
    return base64.b64encode(raw).decode()[-(-before * 8 // 6) : len(raw) * 8 // 6]


SHAPES: dict[str, Callable[[str], str]] = {
    "as it is": lambda value: value,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64, one byte in": lambda value: inside(value, 1),
    "base64, two bytes in": lambda value: inside(value, 2),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "percent-encoded": lambda value: quote(value, safe=""),
    "form-encoded": quote_plus,
    "in JSON": lambda value: json.dumps(value)[1:-1],
    "in JSON in JSON": lambda value: json.dumps(json.dumps(value)[1:-1])[1:-1],
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "quoted for a shell": lambda value: shlex.quote(value),
    "in HTML": html.escape,
    "backwards": lambda value: value[::-1],
}


@pytest.fixture
def house(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "mogplex.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    opened = House(database)
    known = KnownSecrets(Redactor([PROVIDER_KEY]).with_secrets, opened.vault)
    opened.attempts._known_secrets = opened.runs._known_secrets = known
    yield opened
    opened.close()
    database.close()


def start(house: House) -> Run:
    repo = house.add_repo(env={"OF_REPO": KNOWN["variable of the repo"]})
    for name, value, phase in (
        ("SECRET", KNOWN["secret of the repo"], "checks"),
        ("CREDENTIAL", GIT_TOKEN, "git"),
    ):
        house.secrets.put(house.admin, repo.id, name, {"value": value, "phases": [phase]})
    return house.claim(house.start(repo, env={"OF_RUN": KNOWN["variable of the run"]}, createBranch=True).run)


def tell_everywhere(house: House, run: Run, text: str) -> None:
    """Put `text` wherever something from outside is kept."""
    draft = EventDraft(
        EventType.TOOL_CALL, f"message {text}", f"tool {text}"[:150], {"argument": text, text: 1, "deep": [{"a": text}]}
    )
    log = EventDraft(EventType.LOG, text, payload={"stream": "stdout"})
    assert house.attempts.record(run, [draft, log]).result(10)
    check = CheckRecord(f"echo {text}", CheckTarget.PATCH, Verdict.FAILED, 1, f"output {text}", 1, detail=text)
    assert house.attempts.save_check(run, check)
    assert house.attempts.save_baseline(run, "c" * 40, check)
    assert house.attempts.update(run, model=text)
    assert house.attempts.save_patch(run, f"diff --git a/x b/x\n+{text}\n".encode())
    final = ending(
        Outcome.HARNESS_FAILED,
        error=f"error {text}",
        changes=Changes(1, 1, 0, "c" * 40, (f"path/{text}",)),
        result={"answer": text},
        summary=f"summary {text}",
    )
    facts = SandboxFacts(name="n", driver="d", log=f"log {text}")
    assert house.attempts.finish(run, final, facts)


def stored(house: House) -> str:
    """Everything that is kept and shown, but for what the owner gave to be kept (variables) and the raw patch."""
    left_out = {("repos", "environment"), ("runs", "environment"), ("run_patches", "diff"), ("repo_secrets", "sealed")}
    texts = []
    with house.database.read() as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(sa.select(table)).mappings():
                for name, value in row.items():
                    if (table.name, name) not in left_out:
                        texts += [str(value), json.dumps(value) if isinstance(value, dict | list) else ""]
    return "\n".join(texts)


def traced(house: House, run: Run) -> str:
    """Names and attributes of every span that leaves this process when traces are asked for."""

    def tell(span: Span) -> Iterator[str]:
        yield f"{span.name} {span.error} {span.attributes}"
        for child in span.children:
            yield from tell(child)

    return "\n".join(tell(trace_of(house.runs.get(house.admin, run.id), house.events.since(run.id, 0, 1000))))


@pytest.mark.parametrize("secret", KNOWN)
def test_no_shape_of_it_stays_at_any_place(house: House, secret: str) -> None:
    run = start(house)
    shapes = {name: shape(KNOWN[secret]) for name, shape in SHAPES.items()}
    tell_everywhere(house, run, " ; ".join(shapes.values()))
    places = {
        "what is stored": stored(house),
        "the patch on a page": house.runs.shown_patch(house.admin, run.id),
        "the trace": traced(house, run),
    }
    for place, text in places.items():
        assert "[redacted]" in text
        assert [name for name, shape in shapes.items() if shape in text] == [], place


def test_the_patch_itself_stays_as_it_is(house: House) -> None:
    """It has to apply. Whoever lets an agent have a secret may find it there, and is told so."""
    run = start(house)
    tell_everywhere(house, run, KNOWN["secret of the repo"])
    assert KNOWN["secret of the repo"].encode() in house.runs.patch(house.admin, run.id)
