"""A server as a process of its own, for tests of its end: prints one line of JSON once it listens."""

from __future__ import annotations

import json
import sys

from mogplex.api.app import create_app
from mogplex.api.server import run_server
from mogplex.api.services import Services
from mogplex.service.limits import Limits
from mogplex.service.model_calls import ModelCalls
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from tests.house import House, said


def main(path: str, port: str) -> None:
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    house = House(database)
    run = house.claim(house.start(house.add_repo()).run)
    for _ in range(20):
        house.attempts.record(run, [said("x" * 8000) for _ in range(50)]).result(20)
    services = Services(
        keys=house.keys,
        audit=house.audit,
        limits=Limits(database, requests_per_minute=1_000_000),
        repos=house.repos,
        secrets=house.secrets,
        runs=house.runs,
        events=house.events,
        sandboxes=house.sandboxes,
        schedules=house.schedules,
        webhooks=house.webhooks,
        hooks=house.hooks,
        metrics=house.metrics,
        report=house.report,
        calls=ModelCalls(database),
        models=list,
        harnesses=list,
        readiness=list,
    )

    def tell(url: str) -> None:
        print(json.dumps({"url": url, "key": house.secret, "run": run.id}), flush=True)  # noqa: T201

    run_server(
        create_app(services, version="0"),
        "127.0.0.1",
        int(port),
        on_start=tell,
        on_stop=lambda: print("stopping", flush=True),  # noqa: T201
    )
    house.close()
    database.close()
    print("returned", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
