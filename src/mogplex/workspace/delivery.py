"""Hands a run's commit over to the remote: a plain push that never overwrites anybody's work and can be repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mogplex.domain.errors import DeliveryError, WorkspaceError
from mogplex.domain.secret import GitCredential
from mogplex.workspace.address import Address, parse_address
from mogplex.workspace.git import GitError, clean_text
from mogplex.workspace.remote import explain_failure, list_refs
from mogplex.workspace.results import Results

_PUSH_SECONDS = 600.0
_HEARD_CHARACTERS = 4096


async def _always() -> None:
    """Nobody can take it from us meanwhile."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """`already` is True when the remote had the commit on that branch before."""

    branch: str
    commit: str
    already: bool = False


async def deliver_branch(
    results: Results,
    clone_url: str,
    commit: str,
    branch: str,
    expected: str | None,
    credential: GitCredential | None = None,
    *,
    confirm: Callable[[], Awaitable[None]] = _always,
) -> Delivered:
    """Put `commit` on `branch` of the remote, which must now be at `expected` (None: must not exist).

    `confirm` is awaited right before the push, after everything that can take time; what it raises prevents the push.
    Doing it twice is one delivery. A local repo's own hooks run, as its owner; ours never do.

    Raises:
        DeliveryError: the branch moved, was deleted or exists already; the remote refused; no access. The message
            says what to do; what the remote's hooks printed is in it.
    """
    try:
        address = parse_address(clone_url, credential)
        facts = await list_refs(results.git, address)
    except WorkspaceError as error:
        raise DeliveryError(f"{branch} was not delivered: {error.message}") from error
    current = facts.refs.get(f"refs/heads/{branch}")
    if current == commit:
        return Delivered(branch, commit, already=True)
    if current != expected:
        raise DeliveryError(_explain_move(address, branch, current, expected))
    await confirm()
    try:
        await _push(results, address, commit, branch, expected)
    except GitError as error:
        raise _explain_refusal(address, branch, error) from error
    return Delivered(branch, commit)


async def _push(results: Results, address: Address, commit: str, branch: str, expected: str | None) -> None:
    # A plain push refuses to lose commits, but would move a branch that appeared just now. The empty lease asks the
    # remote to check that there is none; with nothing there, nothing can be overwritten.
    lease = (f"--force-with-lease=refs/heads/{branch}:",) if expected is None else ()
    await results.git.run(
        "-c", "push.followTags=false", "-c", "push.recurseSubmodules=no",
        "push", "--porcelain", "--no-verify", *lease, *address.far_end("receive-pack"), "--", address.url,
        f"{commit}:refs/heads/{branch}",
        git_dir=results.directory, environment=address.environment, ssh_key=address.ssh_key,
        timeout_seconds=_PUSH_SECONDS,
    )  # fmt: skip


def _explain_move(address: Address, branch: str, current: str | None, expected: str | None) -> str:
    if current is None:
        return (
            f"The branch {branch!r} was deleted from {address.url} while the run was working: retry the run, or apply "
            f"its patch by hand."
        )
    if expected is None:
        return (
            f"{address.url} already has a branch {branch!r}, at {current[:12]}: choose another working branch and "
            f"retry, or apply the patch by hand."
        )
    return (
        f"The branch {branch!r} of {address.url} moved from {expected[:12]} to {current[:12]} while the run was "
        f"working: retry the run, or apply its patch by hand."
    )


def _explain_refusal(address: Address, branch: str, error: GitError) -> DeliveryError:
    said = clean_text(error.stdout.decode("utf-8", "replace")) + error.stderr
    heard = "\n".join(
        line.removeprefix("remote:").strip() for line in error.stderr.splitlines() if line.startswith("remote:")
    )[-_HEARD_CHARACTERS:]
    quoted = f"\nThe remote said:\n{heard}" if heard.strip() else ""
    if "branch is currently checked out" in said:
        return DeliveryError(
            f"{address.url} has {branch!r} checked out and refuses a push to it: switch it to another branch, let runs "
            f"make their own branch, or set receive.denyCurrentBranch=updateInstead there."
        )
    if "hook declined" in said:
        return DeliveryError(f"A hook of {address.url} declined the push to {branch!r}: meet its rule.{quoted}")
    if any(sign in said for sign in ("non-fast-forward", "fetch first", "stale info", "reference already exists")):
        return DeliveryError(
            f"The branch {branch!r} of {address.url} moved while it was being pushed: retry the run.{quoted}"
        )
    if "[remote rejected]" in said or "protected branch" in said:
        line = next((line for line in said.splitlines() if "rejected]" in line), "")
        return DeliveryError(f"{address.url} refused the push to {branch!r}: {line.strip(' !').strip()}{quoted}")
    return DeliveryError(f"{branch} was not delivered: {explain_failure(address, error).message}{quoted}")
