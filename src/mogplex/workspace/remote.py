"""What a remote offers, asked without cloning it, and plain words for the ways in which asking can fail."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.secret import GitCredential
from mogplex.workspace.address import Address, parse_address
from mogplex.workspace.git import Git, GitError, last_lines

_HEADS = "refs/heads/"
_REFS_BYTES = 64 * 1024 * 1024

# What git says -> what we say. Looked for in this order, in lower case.
_FAILURES = (
    (
        ("authentication failed", "could not read username", "could not read password", "terminal prompts disabled",
         "permission denied (publickey", "returned error: 401", "returned error: 403", "host key verification failed"),
        "asks for credentials, or refuses those it was given: give the repo a token or an ssh key (mogplex repos "
        "secrets set REPO GIT_CREDENTIAL --for git; for a new one, repos add --git-credential-file), and for ssh a "
        "known host to this machine's user",
    ),
    (
        ("repository not found", "returned error: 404", "' not found", "does not appear to be a git repository",
         "not a git repository"),
        "is no git repository, or not one that can be seen from here: check the address",
    ),
    (
        ("could not resolve host", "failed to connect", "couldn't connect", "connection refused", "timed out",
         "connection reset", "no route to host", "network is unreachable", "unable to connect", "took longer than"),
        "can't be reached: check the address and the network, then try again",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """Branches and tags of a remote. `refs` maps full names to object ids; `default_branch` is None when HEAD is
    detached or names a branch that doesn't exist."""

    url: str
    default_branch: str | None
    refs: Mapping[str, str] = field(repr=False)

    @property
    def empty(self) -> bool:
        return not self.refs

    @property
    def digest(self) -> str:
        """Changes whenever a branch, a tag or the default branch does."""
        return digest_refs(self.default_branch, self.refs)

    def choose_branch(self, asked: str | None) -> str:
        """The branch to start from: the one asked for, else the remote's default.

        Raises:
            WorkspaceError: the remote is empty, has no such branch, or has no default and none was asked for.
        """
        if self.empty:
            raise WorkspaceError(f"{self.url} has no commits yet: push a first commit to it, then try again.")
        if asked is not None:
            if _HEADS + asked not in self.refs:
                raise WorkspaceError(f"{self.url} has no branch {asked!r}: it has {_name_some(self.refs)}.")
            return asked
        if self.default_branch is None:
            raise WorkspaceError(
                f"{self.url} has no default branch (its HEAD is detached or names a missing branch): "
                f"name one with --default-branch. It has {_name_some(self.refs)}."
            )
        return self.default_branch


def digest_refs(default_branch: str | None, refs: Mapping[str, str]) -> str:
    """SHA-256 over the default branch and the sorted refs."""
    lines = [f"HEAD {default_branch}", *(f"{name} {refs[name]}" for name in sorted(refs))]
    return hashlib.sha256(os.fsencode("\n".join(lines))).hexdigest()


async def inspect_remote(
    git: Git, clone_url: str, credential: GitCredential | None = None, timeout_seconds: float = 30.0
) -> RemoteFacts:
    """Ask a remote for its branches, tags and default branch.

    Raises:
        WorkspaceError: the path doesn't exist or is no repo, the host can't be reached, credentials are needed.
    """
    return await list_refs(git, parse_address(clone_url, credential), timeout_seconds)


async def list_refs(git: Git, address: Address, timeout_seconds: float = 60.0) -> RemoteFacts:
    """`inspect_remote` for an address that was read before."""
    try:
        output = await git.run(
            "ls-remote", "--symref", *address.far_end("upload-pack"), "--", address.url,
            environment=address.environment, ssh_key=address.ssh_key,
            output_bytes=_REFS_BYTES, timeout_seconds=timeout_seconds,
        )  # fmt: skip
    except GitError as error:
        raise explain_failure(address, error) from error
    return _parse_refs(address.url, output.text)


def explain_failure(address: Address, error: GitError) -> WorkspaceError:
    """Say in plain words why a remote could not be used; git's own words follow in brackets."""
    heard = f"{error.stderr}\n{error.message}"
    fatal = next((line.strip() for line in error.stderr.splitlines() if line.startswith("fatal: ")), None)
    for signs, meaning in _FAILURES:
        if any(sign in heard.lower() for sign in signs):
            return WorkspaceError(f"{address.url} {meaning}. (git: {fatal or last_lines(heard, count=3, length=400)})")
    return WorkspaceError(f"{address.url} can't be used: {last_lines(heard)}")


def _parse_refs(url: str, text: str) -> RemoteFacts:
    target: str | None = None
    refs: dict[str, str] = {}
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: "):
            target = value.removeprefix("ref: ")
        elif name.startswith((_HEADS, "refs/tags/")) and not name.endswith("^{}"):
            refs[name] = value
    if any(len(value) != 40 for value in refs.values()):
        raise WorkspaceError(f"{url} uses SHA-256 object names, which are not supported: use a SHA-1 repository.")
    default = target.removeprefix(_HEADS) if target is not None and target in refs else None
    return RemoteFacts(url, default, refs)


def _name_some(refs: Mapping[str, str]) -> str:
    names = sorted(name.removeprefix(_HEADS) for name in refs if name.startswith(_HEADS))
    if not names:
        return "no branches at all"
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
