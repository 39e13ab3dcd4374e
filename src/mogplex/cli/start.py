"""Starting without ever starting twice: the idempotency key of one command."""

from __future__ import annotations

import contextlib
import uuid

from mogplex.cli import exit_codes
from mogplex.cli.failures import CommandFailed
from mogplex.cli.output import note
from mogplex.client import ConnectionFailed
from mogplex.client.sender import check_idempotency_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mogplex.client.fields import Budget


def choose_key(given: str | None) -> str:
    """The caller's key, or a random one."""
    return str(uuid.uuid4()) if given is None else check_idempotency_key(given)


@contextlib.contextmanager
def start_under(key: str) -> Iterator[None]:
    """While a start is under way nobody knows whether it arrived: whoever stops it needs the key to find out."""
    remedy = f"the run may have started: repeat the same command with --idempotency-key {key}"
    try:
        yield
    except ConnectionFailed as error:
        if not error.sent:
            raise
        raise CommandFailed(error.message, "SERVICE_UNAVAILABLE", exit_codes.UNAVAILABLE, remedy) from error
    except KeyboardInterrupt:
        note(remedy)
        raise


def given(**fields: object) -> dict[str, object]:
    """The fields of a request that have a value: what is left out is the server's to choose."""
    return {name: value for name, value in fields.items() if value is not None}


def choose_harnesses(named: str | None) -> dict[str, object]:
    """One name is the run's harness; several, with commas between them, are those of a contest."""
    names = [name.strip() for name in (named or "").split(",") if name.strip()]
    if len(names) > 1:
        return {"harnesses": names}
    return {"harness": names[0] if names else None}


def make_budget(usd: float | None, tokens: int | None) -> Budget | None:
    """The limits given, None without any."""
    budget: Budget = {}
    if usd is not None:
        budget["usd"] = usd
    if tokens is not None:
        budget["tokens"] = tokens
    return budget or None
