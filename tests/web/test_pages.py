"""The door of the pages, asked directly: who gets in, which forms are taken, what every answer bears."""

from __future__ import annotations

import gzip
import html
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome
from mogplex.domain.weakness import find_weaknesses
from mogplex.domain.worker import WorkerInfo
from tests.web.world import World, said


class Answer:
    def __init__(self, found: http.client.HTTPResponse) -> None:
        self.status = found.status
        self.headers = {name.lower(): value for name, value in found.getheaders()}
        self.cookies = [value for name, value in found.getheaders() if name.lower() == "set-cookie"]
        body = found.read()
        self.size = len(body)
        packed = self.headers.get("content-encoding") == "gzip"
        self.text = (gzip.decompress(body) if packed else body).decode()


class Visitor:
    """Speaks HTTP as a browser would, with a cookie and no script."""

    def __init__(self, world: World, key: str | None = None) -> None:
        parts = urlsplit(world.url)
        self.host = f"{parts.hostname}:{parts.port}"
        self.origin = world.url
        self.cookie = f"mogplex_session={world.pages_token(key or world.key)}"

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.host, timeout=20)
        sent = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection.request(method, path, body, sent)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def csrf(self, path: str = "/start") -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def send(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        return self.ask("POST", path, urlencode(fields), **headers)


@pytest.fixture(scope="module")
def visitor(world: World) -> Visitor:
    return Visitor(world)


@pytest.fixture
def stranger(world: World) -> Iterator[Visitor]:
    found = Visitor(world)
    found.cookie = "mogplex_session=made-up"
    yield found


def test_acts_on_pages_are_written_down_with_where_they_came_from(world: World, repo: Repo, visitor: Visitor) -> None:
    run = world.start(repo, "Cancel me")
    answer = visitor.send(f"/runs/{run.id}/cancel", {"csrf": visitor.csrf()})
    assert answer.status == 303
    audit = world.house.audit
    (entry,) = audit.list(world.house.admin, action="run.cancelled", target=run.id).items
    assert (entry.address, entry.request_id) == ("127.0.0.1", answer.headers["x-request-id"])


def test_the_page_of_changes_hides_known_secrets_and_the_download_is_raw(world: World, visitor: Visitor) -> None:
    house = world.house
    repo = house.add_repo(cloneUrl="/srv/git/acme/hushed")
    house.secrets.put(house.admin, repo.id, "TOKEN", {"value": "hush-hush-1234", "phases": ["agent"]})
    run = world.claim(world.start(repo, "Leave a secret"))
    diff = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+hush-hush-1234\n"
    assert house.attempts.save_patch(run, diff)
    world.finish(run)
    shown = visitor.get(f"/runs/{run.id}/changes").text
    assert "hush-hush-1234" not in shown
    assert "[redacted]" in shown
    assert "hush-hush-1234" in visitor.get(f"/runs/{run.id}/patch").text


def test_every_answer_is_strict(visitor: Visitor) -> None:
    for path in ("/", "/runs", "/nowhere", "/runs/run_x"):
        headers = visitor.get(path).headers
        policy = dict(each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_nothing_is_shown_to_strangers(world: World, repo: Repo, stranger: Visitor) -> None:
    run = world.start(repo, "Not for strangers")
    for path in ("/", "/runs", f"/runs/{run.id}", f"/runs/{run.id}/patch", "/keys", "/workers", "/pressure"):
        answer = stranger.get(path)
        assert (answer.status, answer.text) == (303, "")
        assert answer.headers["location"].startswith("/sign-in")
    assert stranger.get("/pressure", HX_Request="true").headers["hx-redirect"] == "/sign-in"
    assert stranger.get(f"/runs/{run.id}/live").status == 204
    assert stranger.send(f"/runs/{run.id}/cancel", {}).headers["location"].startswith("/sign-in")
    assert world.house.runs.get(world.house.admin, run.id).outcome is None


def test_a_bound_key_sees_nothing_of_other_repos(world: World, repo: Repo) -> None:
    other = world.house.add_repo(cloneUrl="/srv/git/acme/secret-other")
    run = world.start(other, "Hidden from the bound")
    bound = Visitor(world, world.secret("write", repo_ids=[repo.id]))
    for path in ("", "/changes", "/events", "/live", "/timeline", "/more?after=1&until=5", "/patch"):
        assert bound.get(f"/runs/{run.id}{path}").status == 404, path
    for path in ("/", "/runs", "/repos", "/workers", "/start"):
        text = bound.get(path).text
        assert "secret-other" not in text and "Hidden from" not in text, path
    assert bound.send(f"/runs/{run.id}/cancel", {"csrf": bound.csrf()}).status == 404


def told_weaknesses(page: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'class="note wait weakness">([^<]+)', page)]


def test_what_sandboxes_do_not_hold_is_said_as_readyz_says_it(world: World, repo: Repo, visitor: Visitor) -> None:
    world.weaknesses[:] = find_weaknesses("bubblewrap", {"memory_bytes": "watchdog"})
    warnings = json.loads(visitor.get("/readyz").text)["data"]["warnings"]
    told = {path: told_weaknesses(visitor.get(path).text) for path in ("/", "/workers")}
    world.weaknesses.clear()
    assert told == {"/": warnings, "/workers": warnings} and len(warnings) == 1
    assert "weakness" not in visitor.get("/").text
    world.house.workers.register(WorkerInfo("w-weak", "far-away", 1, 2, labels=("gpu",), weaknesses=tuple(warnings)))
    page = visitor.get("/workers").text
    world.house.workers.leave("w-weak")
    assert told_weaknesses(page) == [f"{warnings[0]} "] and "(far-away)" in page and ">gpu<" in page
    run = world.claim(world.start(repo, "In a weak sandbox"), driver="unconfined", weaknesses=list(warnings))
    page = visitor.get(f"/runs/{run.id}").text
    assert told_weaknesses(page) == warnings
    before = world.claim(world.start(repo, "Before that was told"), driver="unconfined")
    assert "No isolation (MOGPLEX_SANDBOX=unconfined)" in visitor.get(f"/runs/{before.id}/details").text
    for each in (run, before):
        world.finish(each)


def test_what_only_admins_may_set_is_refused_to_others(world: World, repo: Repo) -> None:
    writer = Visitor(world, world.secret("write"))
    token = {"csrf": writer.csrf()}
    paths = ("variables", "variables/CI/remove", "secrets", "secrets/TOKEN/remove", "remove", "")
    for path in ("/webhooks/new", *(f"/repos/{repo.id}/{path}".rstrip("/") for path in paths)):
        assert writer.send(path, token).status == 403, path
    assert writer.get(f"/repos/{repo.id}").status == 403
    assert world.house.repos.get(world.house.admin, repo.id) == repo


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": "of another"}, {}),
        ({"csrf": "mine"}, {"Origin": "https://evil.example"}),
        ({"csrf": "mine"}, {"Origin": "null"}),
        ({"csrf": "mine"}, {"Sec_Fetch_Site": "cross-site"}),
    ],
)
def test_forms_from_elsewhere_are_refused(
    world: World, repo: Repo, visitor: Visitor, fields: dict[str, str], headers: dict[str, str]
) -> None:
    run = world.start(repo, "Guarded")
    token = {"mine": visitor.csrf(), "of another": Visitor(world).csrf()}
    sent = {name: token.get(value, value) for name, value in fields.items()}
    assert visitor.send(f"/runs/{run.id}/cancel", sent, **headers).status == 403
    assert world.house.runs.get(world.house.admin, run.id).outcome is None
    mine = {"csrf": token["mine"]}
    assert (
        visitor.send(f"/runs/{run.id}/cancel", mine, Origin=visitor.origin, Sec_Fetch_Site="same-origin").status == 303
    )
    assert world.house.runs.get(world.house.admin, run.id).outcome is Outcome.CANCELLED_BY_CALLER


def test_signing_in_needs_the_forms_token_and_is_limited(world: World, stranger: Visitor) -> None:
    assert stranger.send("/sign-in", {"key": world.key}).status == 403
    stranger.cookie = ""
    form = stranger.get("/sign-in")
    (door,) = form.cookies
    assert "HttpOnly" in door and "SameSite=Strict" in door
    stranger.cookie = door.partition(";")[0]
    found = re.search(r'name="csrf" value="(\w+)"', form.text)
    assert found is not None
    fields = {"key": "mog_" + "0" * 46, "csrf": found[1]}
    statuses = [stranger.send("/sign-in", fields).status for _ in range(11)]
    assert statuses[0] == 401 and statuses[-1] == 429


def test_cookies_are_secure_behind_tls_and_lead_nowhere_else(world: World, visitor: Visitor) -> None:
    csrf = visitor.csrf()
    sent = {"csrf": csrf, "theme": "dark", "next": "//evil.example/"}
    answer = visitor.send("/theme", sent, X_Forwarded_Proto="https", Origin=visitor.origin)
    assert answer.headers["location"] == "/"
    assert "Secure" in answer.cookies[0]
    assert visitor.send("/theme", {**sent, "next": "/runs"}).headers["location"] == "/runs"
    assert visitor.send("/theme", {**sent, "theme": "<b>"}).status == 400


def test_odd_requests_are_answered_kindly(visitor: Visitor) -> None:
    assert visitor.get("/runs?status=nonsense").status == 200
    assert "nonsense" in visitor.get("/runs?status=nonsense").text
    for path in ("/runs?cursor=x", "/runs?label=x", "/runs?repo=%00", "/runs?outcome=%F0%9F%98%80", "/?window=9"):
        assert visitor.get(path).status == 200, path
    assert visitor.get("/runs/..%2f..%2fetc").status == 404
    assert visitor.ask("DELETE", "/runs").status == 405
    assert visitor.ask("POST", "/start", "x" * (3 << 20)).status == 400
    assert visitor.ask("POST", "/start", "csrf=%ff").status == 400
    assert visitor.get("/healthz").status == 200  # the API's own paths go before


def test_assets_are_packed_and_kept_for_good(visitor: Visitor) -> None:
    page = visitor.get("/", Accept_Encoding="gzip")
    paths = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
    assert len(paths) == 3
    sizes = [page.size]
    for path in paths:
        asset = visitor.get(path, Accept_Encoding="gzip")
        assert "immutable" in asset.headers["cache-control"]
        assert visitor.get(path).text == asset.text
        sizes.append(asset.size)
    assert sum(sizes) <= 100_000
    assert visitor.get(paths[0].replace(".", ".0", 1)).status == 404


def test_a_cut_stream_goes_on_where_it_was(world: World, repo: Repo, visitor: Visitor) -> None:
    run = world.claim(world.start(repo, "Cut and resume"))
    world.say(run, *[said(f"Word {number}.") for number in range(20)])
    world.finish(run)
    whole = visitor.get(f"/runs/{run.id}/live?after=0").text
    assert whole.rstrip().endswith("event: end\ndata: over")
    assert whole.count("Word 3.") == 1
    last = world.house.runs.get(world.house.admin, run.id).last_seq
    rest = visitor.get(f"/runs/{run.id}/live?after=0", Last_Event_ID=str(last - 2)).text
    assert "Word 3." not in rest and f"id: {last}" in rest
    assert "data: over" in visitor.get(f"/runs/{run.id}/live", Last_Event_ID=str(last)).text


def test_screenshots_are_not_in_the_repository() -> None:
    ignored = (Path(__file__).parents[2] / ".gitignore").read_text()
    assert "/artifacts/" in ignored


def test_a_run_that_needed_no_model_tells_what_that_saved(world: World, repo: Repo, visitor: Visitor) -> None:
    run = world.claim(world.start(repo, "Mend it", mode="repair-first"))
    world.finish(run, result={"firstTry": {"harness": "repair", "fixed": True, "savedUsd": 0.25, "comparedRuns": 4}})
    assert "about $0.25 saved" in visitor.get(f"/runs/{run.id}").text
    odd = world.claim(world.start(repo, "Mend that", mode="repair-first"))
    world.finish(odd, result={"firstTry": ["savedUsd"]})
    assert "saved" not in visitor.get(f"/runs/{odd.id}").text.split('<dl class="facts">')[1].split("</dl>")[0]
