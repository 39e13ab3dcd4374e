"""JSON Schemas of repos and their secrets."""

from __future__ import annotations

from mogplex.api.shapes import ANYTHING, FLAG, NUMBER, TEXT, TIME, WHOLE, Schema, either_null, list_of, ref, shape
from mogplex.domain.forge import ForgeKind
from mogplex.domain.hook import Trigger
from mogplex.domain.run import CheckPolicy, Delivery
from mogplex.domain.secret import Phase

REPO = shape(
    id=TEXT,
    full_name=TEXT,
    installation_id=either_null(TEXT),
    default_branch=TEXT,
    root_directory=either_null(TEXT),
    clone_url=TEXT,
    setup=list_of(TEXT),
    setup_detected=either_null(list_of(shape(source=TEXT, tool=TEXT, command=TEXT))),
    python=either_null(TEXT),
    checks=list_of(TEXT),
    check_policy={"enum": list(CheckPolicy)},
    check_files=list_of(TEXT),
    protect_tests=either_null(FLAG),
    image=either_null(TEXT),
    env_names=list_of(TEXT),
    secrets=list_of(ref("Secret")),
    allow_hosts=list_of(TEXT),
    push_branches=list_of(TEXT),
    harness=either_null(TEXT),
    budget=ANYTHING,
    timeout_seconds=either_null(NUMBER),
    concurrency=either_null(WHOLE),
    forge=either_null(
        shape(kind={"enum": list(ForgeKind)}, api_url=TEXT, project=TEXT, labels=list_of(TEXT)),
    ),
    hooks=either_null(
        shape(
            on=list_of({"enum": list(Trigger)}),
            label=TEXT,
            people=list_of(TEXT),
            associations=list_of(TEXT),
            delivery={"enum": list(Delivery)},
        )
    ),
    created_at=TIME,
    updated_at=TIME,
)

REPOS: dict[str, Schema] = {
    "Repo": REPO,
    "Secret": shape(name=TEXT, phases=list_of({"enum": list(Phase)}), created_at=TIME, updated_at=TIME),
    "SetSecret": shape(secret=ref("Secret"), created=FLAG),
    "RemovedSecret": shape(name=TEXT, removed=FLAG),
    "RepoAnswer": shape(repo=ref("Repo")),
    "AddedRepo": shape(repo=ref("Repo"), created=FLAG),
    "RemovedRepo": shape(id=TEXT, removed=FLAG),
    "RepoPage": shape(repos=list_of(ref("Repo")), nextCursor=either_null(TEXT)),
}
