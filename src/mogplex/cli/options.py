"""What every command that talks to the server shares: its flags, the client, and finding a run by a part of its id."""

from __future__ import annotations

import functools

import click

from mogplex.cli.output import note
from mogplex.client import ApiError, Client, UnusableValue
from mogplex.credentials import read_credentials, require_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")
    Command = Callable[..., int | None]

_SHORTEST_PREFIX = 4
_PREFIX_PAGES = 5
_PAGE_RUNS = 200


class Server:
    """The server as one command sees it: `client`, whether to print JSON, and how much to tell."""

    def __init__(self, url: str | None, api_key: str | None, as_json: bool, verbose: bool) -> None:
        self._url = url
        self._api_key = api_key
        self.as_json = as_json
        self.verbose = verbose

    @functools.cached_property
    def client(self) -> Client:
        """Made on first use, so that wrong usage is told before a missing key. Raises CredentialsError."""
        credentials = read_credentials(self._url, self._api_key)
        key = require_key(credentials)
        if credentials.warning:
            note(f"warning: {credentials.warning}")
        try:
            client = Client(credentials.url, key or "", retry_seconds=0)
        except UnusableValue as error:
            raise click.UsageError(f"{error.message} (from {credentials.url_source})") from error
        self.explain(f"server {client.url} (from {credentials.url_source}), key from {credentials.key_source}")
        return client

    def explain(self, text: str) -> None:
        """A line on stderr, with --verbose only."""
        if self.verbose:
            note(text)

    def on_run(self, text: str, call: Callable[[str], T]) -> T:
        """`call(id)`, where `text` is a run's id or the unique beginning of one."""
        try:
            return call(text)
        except ApiError as error:
            if error.code != "NOT_FOUND":
                raise
            return call(self._complete_run_id(text, error))

    def stream_run(self, text: str, call: Callable[[str], Iterator[T]]) -> Iterator[T]:
        """As `on_run`, for a call that gives one thing after another."""
        begun = False
        try:
            for item in call(text):
                begun = True
                yield item
        except ApiError as error:
            if begun or error.code != "NOT_FOUND":
                raise
            yield from call(self._complete_run_id(text, error))

    def _complete_run_id(self, text: str, not_found: ApiError) -> str:
        if len(text) < _SHORTEST_PREFIX:
            raise not_found
        found: list[str] = []
        cursor = None
        for _ in range(_PREFIX_PAGES):
            page = self.client.list_runs(limit=_PAGE_RUNS, cursor=cursor)
            found += [run["runId"] for run in page.get("runs") or [] if run["runId"].startswith(text)]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        if not found:
            raise not_found
        if len(found) > 1:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise click.UsageError(f"{text!r} is the beginning of {len(found)} runs: {', '.join(found[:5])}{more}")
        return found[0]


def server_options(function: Command) -> Command:
    """--json, --url, --api-key and --verbose; the function gets a `Server` as its first argument."""
    return _with_server(click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function))


def raw_server_options(function: Command) -> Command:
    """As `server_options`, for commands whose output is already made for programs."""
    return _with_server(function)


def _with_server(function: Command) -> Command:
    @click.option("--url", metavar="URL", help="The server [MOGPLEX_URL, auth.json, http://127.0.0.1:7433].")
    @click.option("--api-key", metavar="KEY", help="The API key [MOGPLEX_API_KEY, auth.json].")
    @click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is being done.")
    @functools.wraps(function)
    def wrapper(
        *, url: str | None, api_key: str | None, verbose: bool, as_json: bool = False, **values: Any
    ) -> int | None:
        return function(Server(url, api_key, as_json, verbose), **values)

    return wrapper


def check_options(function: Command) -> Command:
    """--check-policy and --protect-tests, for runs and repos alike."""
    policy = click.option(
        "--check-policy",
        type=click.Choice(["strict", "no-regression"]),
        help="Checks have to pass, or may stay as red as they were.",
    )
    protect = click.option(
        "--protect-tests/--no-protect-tests",
        default=None,
        help="Whose tests decide when a run changes some: the base's, or its own [both must agree].",
    )
    return policy(protect(function))


def examples(*lines: str) -> str:
    """The epilog of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def read_pairs(pairs: tuple[str, ...], flag: str, environment: dict[str, str] | None = None) -> dict[str, str] | None:
    """`name=value` texts as a dict, None when there are none; a bare name takes its value from `environment`."""
    read: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator and environment is not None and name in environment:
            value = environment[name]
        elif not separator or not name:
            missing = f"{pair!r} is not set here, and" if environment is not None and name else f"{pair!r} is wrong:"
            raise click.UsageError(f"{flag} {missing} it takes name=value")
        read[name] = value
    return read or None
