"""Remotes that can and can't be used, and what is said about them."""

from __future__ import annotations

import base64
import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.address import parse_address
from mogplex.workspace.remote import inspect_remote
from tests.workspace.git_world import ROOT, World, asynchronously, shell


@asynchronously
async def test_facts_of_a_good_repo(world: World) -> None:
    facts = await inspect_remote(world.git, str(world.origin))
    assert facts.default_branch == "main"
    assert not facts.empty
    assert facts.refs["refs/heads/other"] == world.at("other")
    assert set(facts.refs) == {"refs/heads/main", "refs/heads/other", "refs/tags/v1"}
    assert facts.choose_branch(None) == "main"
    assert facts.choose_branch("other") == "other"
    with pytest.raises(WorkspaceError, match="no branch 'nope': it has main, other"):
        facts.choose_branch("nope")


@asynchronously
async def test_file_url_is_the_path(world: World) -> None:
    spaced = world.copy_template("with space")
    facts = await inspect_remote(world.git, spaced.as_uri())
    assert facts.default_branch == "main"
    assert facts.url == str(spaced)


@asynchronously
async def test_path_that_is_missing_or_no_repo(world: World) -> None:
    with pytest.raises(WorkspaceError, match="does not exist"):
        await inspect_remote(world.git, str(world.top / "nothing"))
    (world.top / "plain").mkdir()
    with pytest.raises(WorkspaceError, match="is no git repository"):
        await inspect_remote(world.git, str(world.top / "plain"))


@asynchronously
async def test_empty_repo(world: World) -> None:
    empty = world.top / "empty"
    empty.mkdir()
    shell(empty, "git init -q .")
    facts = await inspect_remote(world.git, str(empty))
    assert facts.empty
    with pytest.raises(WorkspaceError, match="no commits yet"):
        facts.choose_branch(None)
    with pytest.raises(WorkspaceError, match="no commits yet"):
        await world.refresh(empty)
    assert not list(world.layout.mirrors.glob("*repo.git*/*"))


@asynchronously
async def test_detached_head_has_no_default(world: World) -> None:
    shell(world.origin, "git checkout -q --detach")
    facts = await inspect_remote(world.git, str(world.origin))
    assert facts.default_branch is None
    assert facts.choose_branch("main") == "main"
    with pytest.raises(WorkspaceError, match="--default-branch"):
        facts.choose_branch(None)
    assert (await world.refresh()).default_branch() is None


@asynchronously
async def test_head_on_a_branch_without_commits_has_no_default(world: World) -> None:
    shell(world.origin, "git symbolic-ref HEAD refs/heads/unborn")
    assert (await inspect_remote(world.git, str(world.origin))).default_branch is None


@asynchronously
async def test_host_that_does_not_answer(world: World) -> None:
    with pytest.raises(WorkspaceError, match="can't be reached"):
        await inspect_remote(world.git, "http://127.0.0.1:1/x.git")


class _Guarded(http.server.SimpleHTTPRequestHandler):
    """Files for those who know the password."""

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(b"ann:p@ss").decode()
        if self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


@contextmanager
def _serve(directory: Path) -> Iterator[str]:
    handler = functools.partial(_Guarded, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@asynchronously
async def test_credentials_are_asked_for_and_used(world: World) -> None:
    shell(world.origin, "git update-server-info")
    with _serve(world.origin / ".git") as host:
        with pytest.raises(WorkspaceError, match="asks for credentials"):
            await inspect_remote(world.git, f"http://{host}/")
        with pytest.raises(WorkspaceError, match="asks for credentials") as caught:
            await inspect_remote(world.git, f"http://ann:wrong-word@{host}/")
        assert "wrong-word" not in str(caught.value)
        facts = await inspect_remote(world.git, f"http://ann:p%40ss@{host}/")
        assert facts.default_branch == "main"
        assert "p%40ss" not in facts.url
        with pytest.raises(WorkspaceError, match="is no git repository"):
            await inspect_remote(world.git, f"http://ann:p%40ss@{host}/missing/")


@pytest.mark.parametrize(
    "clone_url",
    ["", " /tmp", "relative/path", "-oProxyCommand=x", "--upload-pack=touch /tmp/x", "ext::sh -c id", "fd::7",
     "ftp://host/x", "https:///x", "ssh://-oProxyCommand=x/y", "file://host/x", "https://host/a\nb", "-x@h:y"],
)  # fmt: skip
def test_addresses_that_are_refused(clone_url: str) -> None:
    with pytest.raises(WorkspaceError):
        parse_address(clone_url)


@pytest.mark.parametrize("clone_url", ["git@host:a/b.git", "ssh://git@host:22/a/b", "https://host/a/b.git", "host:a"])
def test_addresses_that_are_taken(clone_url: str) -> None:
    assert parse_address(clone_url).url == clone_url


def test_passwords_never_show() -> None:
    address = parse_address("https://ann:hunter2@host:8443/a.git")
    assert address.url == "https://host:8443/a.git"
    assert "hunter2" not in repr(address)
    assert address.environment["GIT_CONFIG_KEY_0"] == "http.https://host:8443/.extraHeader"


@pytest.mark.skipif(not ROOT, reason="only root meets other people's repos")
@asynchronously
async def test_repo_of_another_user(world: World) -> None:
    shell(world.top, "chown -R 4242:4242 origin && chmod 0700 origin")
    assert (await inspect_remote(world.git, str(world.origin))).default_branch == "main"
    assert await (await world.refresh()).resolve_branch("main") == world.at()


@asynchronously
async def test_sha256_repo_is_refused(world: World) -> None:
    other = world.top / "sha256"
    other.mkdir()
    shell(other, "git init -q --object-format=sha256 . && git commit -q --allow-empty -m x")
    with pytest.raises(WorkspaceError, match="SHA-256"):
        await inspect_remote(world.git, str(other))
