"""Credentials of a remote: git gets them from its environment, and nothing of them stays anywhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.secret import GitCredential
from mogplex.workspace.address import parse_address
from mogplex.workspace.delivery import deliver_branch
from mogplex.workspace.mirror import Mirrors
from mogplex.workspace.remote import inspect_remote
from mogplex.workspace.results import Results
from mogplex.workspace.ssh_key import offer_key
from tests.git_server import serving
from tests.workspace.git_world import World, asynchronously, shell

TOKEN = "tok-3f9a77b2c1d84e60"


@asynchronously
async def test_a_token_fetches_and_pushes_and_lies_nowhere(world: World) -> None:
    served = world.top / "served"
    served.mkdir()
    shell(served, f"git clone -q --bare {world.origin} private.git")
    with serving(served, f"x-access-token:{TOKEN}") as remote:
        url = remote.url("private.git")
        with pytest.raises(WorkspaceError, match="asks for credentials"):
            await inspect_remote(world.git, url)
        with pytest.raises(WorkspaceError, match="refuses those it was given") as refusal:
            await inspect_remote(world.git, url, GitCredential.of("another-token"))
        assert "another-token" not in str(refusal.value)
        credential = GitCredential.of(TOKEN)
        assert (await inspect_remote(world.git, url, credential)).default_branch == "main"
        mirror = await Mirrors(world.layout.mirrors, world.git).refresh("private", url, credential)
        commit = await mirror.resolve_branch("main")
        assert commit is not None
        results = Results(world.layout.result_store("private"), mirror, world.git)
        results.prepare()
        await deliver_branch(results, url, commit, "mogplex/new", None, credential)
    assert shell(served / "private.git", "git rev-parse mogplex/new") == commit
    for path in world.top.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


def test_a_credential_goes_only_where_it_fits() -> None:
    token, key = GitCredential.of(f"bob:{TOKEN}"), GitCredential.of("-----BEGIN PRIVATE KEY-----\nx\n-----END…")
    assert (token.user, token.token, token.ssh_key) == ("bob", TOKEN, None)
    assert TOKEN not in repr(token) + repr(parse_address("https://git.example.org/a.git", token))
    assert parse_address("https://git.example.org/a.git", token).environment
    assert not parse_address("https://git.example.org/a.git", key).environment
    for url in ("ssh://git@git.example.org/a.git", "git@git.example.org:a.git"):
        assert parse_address(url, key).ssh_key == key.ssh_key
        assert parse_address(url, token).ssh_key is None
        assert not parse_address(url, token).environment
    assert parse_address("git://git.example.org/a.git", key).ssh_key is None


@asynchronously
async def test_git_offers_an_ssh_key_and_no_other(world: World) -> None:
    seen = await world.git.run(
        "-c", 'alias.tell=!printf %s "$GIT_SSH_COMMAND"', "tell", ssh_key="a key", git_dir=world.origin / ".git"
    )
    assert "IdentitiesOnly=yes" in seen.text
    assert "a key" not in seen.text


def test_ssh_reads_a_key_that_is_on_no_disk(tmp_path: Path) -> None:
    shell(tmp_path, "ssh-keygen -q -t ed25519 -N '' -C deploy -f deploy_key")
    public = (tmp_path / "deploy_key.pub").read_text().split()[:2]
    with offer_key((tmp_path / "deploy_key").read_text()) as variables:
        place = re.search(r"-i (\S+)", variables["GIT_SSH_COMMAND"])
        assert place is not None
        # The same library that ssh reads it with, as picky about who may read the file.
        said = subprocess.run(["ssh-keygen", "-y", "-f", place[1]], capture_output=True, text=True, check=True)
        assert said.stdout.split()[:2] == public
    assert not Path(place[1]).exists()
