"""What people do in the dashboard, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mogplex.domain.access import Scope
from mogplex.domain.check import CheckTarget
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.exchange import Reply
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Verdict
from mogplex.service.courier import Courier
from tests.web.conftest import KEEP_SCREENSHOTS, PATIENCE_MS, SCREENSHOTS, OpenPage
from tests.web.world import HOSTILE, World, said, tool

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
expect.set_options(timeout=PATIENCE_MS)


def test_signing_in_and_out(world: World, open_page: OpenPage) -> None:
    page = open_page("/runs", key=None)
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("API key").fill("mog_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Malformed API key")
    page.get_by_label("API key").fill(world.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()  # where they wanted to go
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "mogplex_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert world.key not in cookie["value"]
    page.get_by_text("admin", exact=True).first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.context.add_cookies([{"name": "mogplex_session", "value": cookie["value"], "url": world.url}])
    page.goto("/runs")
    expect(page).to_have_url(re.compile("/sign-in"))  # an old cookie is worth nothing


def test_a_run_is_followed_from_start_to_end_through_a_cut(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.start(repo, "Follow me")
    page = open_page(f"/runs/{run.id}")
    page.evaluate("window.notReloaded = true")
    expect(page.locator("#run-head .pill").first).to_have_text("pending")
    claimed = world.claim(run)
    expect(page.locator("#run-head .pill").first).to_have_text("running")
    call, result = tool("shell", "1", {"command": "pytest"}, ok=False, summary="no tests ran")
    world.say(claimed, said("Before the cut."), call)
    expect(page.get_by_text("Before the cut.")).to_be_visible()
    shell = page.locator("#transcript details", has_text="shell")
    expect(shell).to_contain_text("running")
    world.cut_connections()
    world.say(claimed, said("While nobody listened."), result)
    expect(page.get_by_text("While nobody listened.")).to_be_visible()
    expect(shell).to_contain_text("failed")
    world.check(claimed, CheckTarget.PATCH, Verdict.VERIFIED, "fine")
    world.say(claimed, said("After the cut."))
    world.finish(claimed, Outcome.COMPLETED)
    expect(page.locator("#run-head .pill").first).to_have_text("success")
    expect(page.get_by_text("The run is over.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    for text in ("Before the cut.", "While nobody listened.", "After the cut."):
        expect(page.get_by_text(text)).to_have_count(1)
    numbers = page.locator("#transcript > [id]").evaluate_all("all => all.map(each => Number(each.id.slice(1)))")
    assert numbers == sorted(set(numbers))
    expect(page.locator("#run-timeline")).not_to_have_attribute("hx-trigger", re.compile(""))  # the last look is due
    assert page.evaluate("window.notReloaded") is True
    page.reload()
    expect(page.get_by_text("After the cut.")).to_have_count(1)


def test_cancelling_asks_first(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.start(repo, "Cancel me")
    page = open_page(f"/runs/{run.id}")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Cancel").click()
    assert world.house.runs.get(world.house.admin, run.id).outcome is None
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#run-head .pill").first).to_have_text("cancelled")
    assert world.house.runs.get(world.house.admin, run.id).outcome is Outcome.CANCELLED_BY_CALLER


def test_a_running_run_is_asked_to_stop(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.claim(world.start(repo, "Stop me"))
    page = open_page(f"/runs/{run.id}")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#run-head .pill").first).to_have_text("cancelling")
    world.finish(run, Outcome.CANCELLED_BY_CALLER)
    expect(page.locator("#run-head .pill").first).to_have_text("cancelled")


def test_retrying_makes_one_new_run_and_both_know_of_it(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.claim(world.start(repo, "Try me again"))
    world.finish(run, Outcome.CHECKS_FAILED, error="Check `pytest -q`: exit code 1.")
    page = open_page(f"/runs/{run.id}")
    expect(page.get_by_text("Check `pytest -q`: exit code 1.").first).to_be_visible()
    page.get_by_role("button", name="Retry").dblclick()  # a nervous finger
    expect(page).not_to_have_url(re.compile(run.id))  # of two loads one is broken off: nothing to wait for
    expect(page.get_by_text("retry of")).to_be_visible()
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_role("region", name="Tries").get_by_role("row")).to_have_count(2)
    again = world.house.runs.get(world.house.admin, run.id)
    assert again.retried_by is not None and again.retried_by in page.url


def test_a_read_key_sees_no_buttons_and_is_refused(world: World, repo: Repo, open_page: OpenPage) -> None:
    failed = world.claim(world.start(repo, "Not with this key"))
    world.finish(failed, Outcome.TIMED_OUT)
    waiting = world.start(repo, "Nor this one")
    page = open_page("/", key=world.secret(Scope.READ))
    expect(page.get_by_role("link", name="Start a run")).to_have_count(0)
    for admins in ("Keys", "Schedules", "Webhooks"):
        expect(page.get_by_role("link", name=admins)).to_have_count(0)
    for run, button in ((failed, "Retry"), (waiting, "Cancel")):
        page.goto(f"/runs/{run.id}")
        expect(page.get_by_role("heading", level=1)).to_contain_text("this")
        expect(page.get_by_role("button", name=button)).to_have_count(0)
        refused = send_form(page, f"/runs/{run.id}/{button.lower()}")
        assert (refused["status"], "Missing required scope" in refused["text"]) == (403, True)
    assert send_form(page, "/keys")["status"] == 403
    for path in ("/start", "/keys", "/repos/new", "/webhooks", "/webhooks/new"):
        answer = page.goto(path)
        assert answer is not None and answer.status == 403
    assert world.house.runs.get(world.house.admin, waiting.id).outcome is None


def send_form(page: Page, path: str) -> dict[str, object]:
    """A form as a page of ours would send it, token and all."""
    found: dict[str, object] = page.evaluate(
        """async (path) => {
          const csrf = document.querySelector("[name=csrf]").value;
          const answer = await fetch(path, {method: "POST", body: new URLSearchParams({csrf})});
          return {status: answer.status, text: await answer.text()};
        }""",
        path,
    )
    return found


def test_a_long_run_opens_at_its_ends_and_loads_the_middle_on_request(
    world: World, repo: Repo, open_page: OpenPage
) -> None:
    run = world.long_run(repo, 5000)
    page = open_page(f"/runs/{run.id}")
    items = page.locator("#transcript > [id^=e]")
    expect(page.get_by_text("Looking at file 0.")).to_be_visible()
    expect(page.get_by_text("Looking at file 1249.")).to_have_count(1)
    first = items.count()
    assert first < 400
    page.get_by_role("link", name=re.compile("Show 250 more")).click()
    expect(page.get_by_text("Looking at file 40.")).to_have_count(1)
    assert first < items.count() < 800
    numbers = items.evaluate_all("all => all.map(each => Number(each.id.slice(1)))")
    assert numbers == sorted(set(numbers))
    assert page.locator("#run-timeline svg rect").count() < 1000


def test_what_an_agent_says_is_never_obeyed(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.start(repo, HOSTILE, labels={"team": "pay"})
    page = open_page(f"/runs/{run.id}")
    claimed = world.claim(run)
    world.say(  # live, through the stream
        claimed,
        said(HOSTILE),
        *tool("<b>shell</b>", "1", {"command": HOSTILE}, ok=False, summary=HOSTILE),
        EventDraft(EventType.LOG, HOSTILE, payload={"stream": "stderr"}),
        EventDraft(EventType.MODEL_CALL, HOSTILE, payload={"model": HOSTILE}),
    )
    world.check(claimed, CheckTarget.PATCH, Verdict.FAILED, HOSTILE)
    world.finish(claimed, Outcome.HARNESS_FAILED, error=HOSTILE, driver="unconfined", result={HOSTILE: HOSTILE})
    expect(page.locator("#run-head .pill").first).to_have_text("failed")
    for path in ("", "/changes", "/checks", "/calls", "/events", "/details"):
        if path:
            page.goto(f"/runs/{run.id}{path}")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        text = page.locator("body").inner_text()
        assert "<script>" in text and "\x1b" not in text, path
        assert page.evaluate("window.hacked") is None
        assert page.locator("img, script:not([src]), [onerror], b[hx-get]").count() == 0
        assert page.evaluate("document.querySelectorAll('style, [style]').length") == 0
    page.goto("/runs")
    expect(page.locator("table .title", has_text="<script>").first).to_be_visible()
    assert page.evaluate("window.hacked") is None


def test_the_diff_is_coloured_folded_and_downloaded(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.whole_run(repo)
    page = open_page(f"/runs/{run.id}/changes")
    expect(page.locator("details.file")).to_have_count(2)
    expect(page.locator(".code .k", has_text="def")).to_be_visible()
    expect(page.locator(".code .c", has_text="<script>")).to_be_visible()
    summary = page.locator("details.file summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".code .k", has_text="def")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the patch").click()
    assert download.value.suggested_filename == f"{run.id}.patch"
    assert download.value.path().read_bytes() == world.house.runs.patch(world.house.admin, run.id)


def test_checks_show_what_they_printed(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.claim(world.start(repo, "Break it"))
    world.check(run, CheckTarget.BASE, Verdict.VERIFIED, "12 passed")
    world.check(run, CheckTarget.PATCH, Verdict.FAILED, "E  assert 1 == 2")
    world.finish(run, Outcome.CHECKS_FAILED)
    page = open_page(f"/runs/{run.id}/checks")
    expect(page.get_by_text("E  assert 1 == 2")).to_be_visible()  # what failed is open by itself
    expect(page.get_by_text("12 passed", exact=True)).to_be_hidden()


def test_copying_the_command_that_starts_the_same(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.start(repo, "It's the $HOME `prompt`", labels={"a": "b"}, priority=3)
    page = open_page(f"/runs/{run.id}/details", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: as a command").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"mogplex run --repo {repo.full_name} ")
    assert "--label a=b" in copied and "'It'\"'\"'s the $HOME `prompt`'" in copied
    expect(page.locator("#copy-curl")).to_contain_text("$MOGPLEX_API_KEY")
    world.claim(run)
    page.reload()
    expect(page.get_by_text("memory: cgroup")).to_be_visible()
    assert world.key not in page.content()


def test_starting_a_run_shows_the_command_it_equals(world: World, repo: Repo, open_page: OpenPage) -> None:
    page = open_page("/start")
    page.get_by_label("Repo", exact=True).select_option(repo.full_name)
    page.get_by_label("Prompt").fill("Add a test")
    page.get_by_label("Checks").fill("pytest -q\nruff check .")
    page.get_by_label("Dollars").fill("2.5")
    line = page.locator("#copy-line")
    expect(line).to_contain_text("--budget-usd 2.5")
    expect(line).to_contain_text("--create-branch")
    expect(line).to_contain_text("--check 'ruff check .'")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Add a test")).to_be_visible()
    run = world.house.runs.get(world.house.admin, page.url.rpartition("/")[2])
    assert (run.checks, run.budget.usd, run.create_branch) == (("pytest -q", "ruff check ."), 2.5, True)


def test_a_form_that_is_refused_keeps_what_was_typed(world: World, repo: Repo, open_page: OpenPage) -> None:
    page = open_page("/start")
    page.get_by_label("Prompt").fill("Keep me")
    page.get_by_label("Seconds").fill("0")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("timeoutSeconds")
    expect(page.get_by_label("Prompt")).to_have_value("Keep me")


def test_filters_live_in_the_address_and_the_list_renews_itself(world: World, repo: Repo, open_page: OpenPage) -> None:
    page = open_page("/runs")
    page.get_by_label("Label").fill("team=live-list")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No run is like this")).to_be_visible()
    assert "label=team%3Dlive-list" in page.url
    run = world.start(repo, "Appear by yourself", labels={"team": "live-list"})
    expect(page.get_by_role("link", name="Appear by yourself")).to_be_visible()
    world.house.runs.cancel(world.house.admin, run.id)
    expect(page.locator(f"#row-{run.id} .pill")).to_have_text(["cancelled"])
    page.get_by_role("navigation", name="Runs by status").get_by_text("failed").click()
    expect(page.get_by_text("No run is like this")).to_be_visible()
    assert "status=failed" in page.url and "label=team%3Dlive-list" in page.url


def test_keys_are_made_shown_once_and_revoked(world: World, open_page: OpenPage) -> None:
    page = open_page("/keys")
    page.get_by_label("Name").fill("robot")
    page.get_by_label("write start").check()
    page.get_by_role("button", name="Make").click()
    secret = page.locator("#secret").inner_text()
    assert world.house.keys.authenticate(secret).key_name == "robot"
    robot = open_page("/runs", key=secret)
    expect(robot.get_by_role("link", name="Start a run")).to_be_visible()
    page.get_by_role("link", name="I have kept it").click()
    assert secret not in page.content()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke robot").click()
    expect(page.get_by_role("row").filter(has_text="robot").get_by_text("revoked")).to_be_visible()
    robot.goto("/runs")  # its browser is out at once
    expect(robot).to_have_url(re.compile("/sign-in"))


def test_a_live_page_ends_with_its_key(world: World, repo: Repo, open_page: OpenPage) -> None:
    key, secret = world.house.keys.create(world.house.admin, name="short", scopes=["read"])
    run = world.claim(world.start(repo, "Secret progress"))
    page = open_page(f"/runs/{run.id}", key=secret)
    expect(page.get_by_text("following live")).to_be_visible()
    world.house.keys.revoke(world.house.admin, key.id)
    expect(page).to_have_url(re.compile("/sign-in"))  # the timeline asks, and is sent away
    world.finish(run, Outcome.CANCELLED_BY_CALLER)


def test_repos_are_added_changed_and_removed(world: World, open_page: OpenPage) -> None:
    page = open_page("/repos/new")
    page.get_by_label("Clone URL").fill("/srv/git/acme/new-one")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="acme/new-one")).to_be_visible()
    page.get_by_label("Commands", exact=True).fill("make test")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="acme/new-one").get_by_text("make test")).to_be_visible()
    page.get_by_role("link", name="acme/new-one").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Repos")).to_be_visible()
    expect(page.get_by_text("acme/new-one")).to_have_count(0)


def test_a_repo_takes_variables_secrets_and_all_its_settings(world: World, open_page: OpenPage) -> None:
    house = world.house
    added = house.add_repo(cloneUrl="/srv/git/acme/with-secrets", env={"KEPT": "kept-value-1"})
    page = open_page(f"/repos/{added.id}")
    for label, value in (("Python", "3.12"), ("Network: allowed hosts", "*.example.org\napi.example.com:8443")):
        page.get_by_label(label).fill(value)
    page.get_by_label("If a run changes tests").select_option("base")
    page.get_by_label("What is asked of them").select_option("no-regression")
    page.get_by_label("Files they depend on").fill("golden/*.json")
    page.get_by_label("Runs at once").fill("3")
    page.get_by_text("Forge: pull requests").click()
    page.get_by_label("Project there").fill("acme/elsewhere")
    page.locator("input[name=hookOn]").first.check()
    page.get_by_label("Only these people").fill("ann\nbob")
    page.get_by_role("button", name="Save").click()
    changed = house.repos.get(house.admin, added.id)
    assert (changed.python, changed.protect_tests, changed.check_policy) == ("3.12", True, "no-regression")
    assert (changed.allow_hosts, changed.check_files) == (("*.example.org", "api.example.com:8443"), ("golden/*.json",))
    assert changed.environment == {"KEPT": "kept-value-1"}
    assert (changed.concurrency, changed.forge.project, changed.forge.kind) == (3, "acme/elsewhere", None)
    assert (len(changed.hooks.on), changed.hooks.people, changed.forge.labels) == (1, ("ann", "bob"), None)

    page.goto(f"/repos/{added.id}")
    expect(page.get_by_label("If a run changes tests")).to_have_value("base")
    page.get_by_label("Variable", exact=True).fill("no name")
    page.locator("#variable-value").fill("shown-never-1")
    page.get_by_role("button", name="Set the variable").click()
    expect(page.locator("#variables").get_by_role("alert")).to_contain_text("no name")
    assert "shown-never-1" not in page.content()
    page.get_by_label("Variable", exact=True).fill("ADDED")
    page.locator("#variable-value").fill("shown-never-2")
    page.get_by_role("button", name="Set the variable").click()
    expect(page.locator("#variables li")).to_contain_text(["ADDED", "KEPT"])
    assert house.repos.get(house.admin, added.id).environment == {"KEPT": "kept-value-1", "ADDED": "shown-never-2"}
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove the variable KEPT").click()
    expect(page.locator("#variables li")).to_have_count(1)

    page.get_by_label("Secret", exact=True).fill("TOKEN")
    page.locator("#secret-value").fill("shown-never-3")
    for phase in ("agent", "git"):
        page.locator(f"#secrets input[value={phase}]").check()
    page.get_by_role("button", name="Set the secret").click()
    expect(page.locator("#secrets").get_by_role("alert")).to_contain_text("git goes with no other")
    page.locator("#secrets input[value=git]").uncheck()
    page.locator("#secret-value").fill("shown-never-3")
    page.get_by_role("button", name="Set the secret").click()
    expect(page.locator("#secrets li")).to_contain_text(["TOKEN agent"])
    assert not re.search("shown-never|kept-value", page.content())
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove the secret TOKEN").click()
    expect(page.locator("#secrets li")).to_have_count(0)
    assert house.repos.get(house.admin, added.id).secrets == ()


def test_schedules_are_made_run_paused_and_removed(world: World, repo: Repo, open_page: OpenPage) -> None:
    page = open_page("/schedules/new")
    page.get_by_label("Repo", exact=True).select_option(repo.id)
    page.get_by_label("Cron line").fill("every monday")
    page.get_by_label("Prompt").fill("Weekly care")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("alert")).to_contain_text("cron")
    page.get_by_label("Cron line").fill("0 12 * * 1")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("heading", name="Weekly care")).to_be_visible()
    page.get_by_role("button", name="Run it now").click()
    expect(page.locator("#run-head .pill").first).to_have_text("pending")
    run_id = page.url.rpartition("/")[2]
    world.house.runs.cancel(world.house.admin, run_id)
    page.goto("/schedules")
    expect(page.get_by_role("link", name=run_id[:12])).to_be_visible()
    page.get_by_role("button", name="Pause Weekly care").click()
    expect(page.get_by_role("row").filter(has_text="Weekly care").get_by_text("paused")).to_be_visible()
    page.get_by_role("link", name="Weekly care").click()
    expect(page.get_by_label("Prompt")).to_have_value("Weekly care")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No schedules yet")).to_be_visible()


def test_webhooks_are_made_tried_switched_rotated_and_removed(world: World, repo: Repo, open_page: OpenPage) -> None:
    page = open_page("/webhooks")
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
    page.get_by_role("link", name="Make a webhook").first.click()
    page.get_by_label("URL").fill("https://user@hooks.example.org/")
    page.get_by_label("run.started").check()
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("alert")).to_contain_text("may have no user name")
    expect(page.get_by_label("run.started")).to_be_checked()
    page.get_by_label("URL").fill("https://hooks.example.org/mogplex")
    page.get_by_label("Only of these repos").select_option(repo.id)
    page.get_by_role("button", name="Make").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("link", name="I have kept it").click()
    assert secret not in page.content()
    (made,) = world.house.webhooks.list(world.house.admin)
    assert (len(made.topics), made.repo_ids) == (3, (repo.id,))

    page.get_by_role("button", name="Send a test").click()
    delivery = page.locator("#deliveries details").first
    expect(delivery).to_contain_text("webhook.test not tried yet")
    courier = Courier(world.house.database, world.house.vault, lambda *_: Reply(503))
    assert courier.carry() == 1
    delivery.locator("summary").click()
    expect(delivery).to_contain_text("1 try, answered 503")  # by itself, and it stays open
    courier = Courier(world.house.database, world.house.vault, lambda *_: Reply(204))
    page.get_by_role("button", name=re.compile("^Send it again: webhook.test")).click()
    assert courier.carry() == 1
    expect(page.locator("#deliveries .pill")).to_have_text(["delivered"])

    page.get_by_label("run.started").uncheck()
    page.get_by_label("Only of these repos").select_option([])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("run.started")).not_to_be_checked()
    (changed,) = world.house.webhooks.list(world.house.admin)
    assert (len(changed.topics), changed.repo_ids) == (2, None)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="New secret").click()
    assert page.locator("#secret").inner_text() != secret
    page.goto("/webhooks")
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Off since")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No webhooks yet")).to_be_visible()


def test_reading_works_without_scripts(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.whole_run(repo, prompt="No scripts here")
    page = open_page("/runs", java_script_enabled=False)
    page.get_by_role("link", name="No scripts here").click()
    expect(page.locator("time").first).to_contain_text("UTC")
    page.locator("summary", has_text="shell").first.click()
    expect(page.locator("#transcript").get_by_text("1 failed", exact=True)).to_be_visible()
    page.get_by_role("link", name="Changes").click()
    expect(page.get_by_text("result = 0")).to_be_visible()
    page.goto(f"/runs/{run.id}/events")
    expect(page.locator(".event")).to_have_count(run_length(world, run.id))


def run_length(world: World, run_id: str) -> int:
    return world.house.runs.get(world.house.admin, run_id).last_seq


def test_a_bar_of_the_timeline_leads_to_its_call(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.whole_run(repo)
    page = open_page(f"/runs/{run.id}/checks")
    page.locator("#run-timeline svg a[href*='#e'] rect.tool").last.click()
    expect(page.locator("#transcript details[open]")).to_have_count(1)
    expect(page.locator("time[data-local]").first).to_be_visible()


def test_times_are_local_with_utc_behind_them(world: World, repo: Repo, open_page: OpenPage) -> None:
    run = world.start(repo, "What time is it")
    page = open_page(f"/runs/{run.id}/details", timezone_id="Asia/Tokyo", locale="en-GB")
    shown = page.locator("#run-head time")
    expect(shown).to_have_attribute("title", re.compile("UTC"))
    utc = int((shown.get_attribute("title") or "")[11:13])
    local = re.search(r"(\d\d):\d\d:\d\d", shown.inner_text())
    assert local is not None and int(local[1]) == (utc + 9) % 24


def test_the_colours_can_be_chosen(world: World, open_page: OpenPage) -> None:
    page = open_page("/", color_scheme="light")
    light = background(page)
    page.get_by_text("admin", exact=True).first.click()
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Use").click()
    expect(page.locator("html[data-theme=dark]")).to_have_count(1)
    assert background(page) != light
    dark = background(open_page("/", color_scheme="dark"))
    assert background(page) == dark


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_all_can_be_reached_by_keyboard(world: World, repo: Repo, open_page: OpenPage) -> None:
    world.start(repo, "Reach me by keyboard")
    page = open_page("/runs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Label")).to_be_focused()
    link = page.get_by_role("link", name="Reach me by keyboard")
    for _ in range(25):
        page.keyboard.press("Tab")
        if link.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Reach me by keyboard")).to_be_visible()


VIEWS = [
    ("wide-light", 1280, "light"),
    ("wide-dark", 1280, "dark"),
    ("phone-dark", 360, "dark"),
    ("phone-light", 360, "light"),
]
LEVELS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SEEN = {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable", "target-size"]}
LOOKED_AT = {"wide-light": LEVELS, "phone-dark": SEEN}  # by axe: all once, then what width and colours decide


@pytest.mark.timeout(400)  # some 18 pages, each looked at rule by rule: a loaded machine takes its time
def test_every_page_fits_and_is_accessible(world: World, repo: Repo, open_page: OpenPage) -> None:
    """axe finds no serious fault; nothing is wider than the window; where screenshots are kept, one of each view is.

    A page is opened once and then seen in four ways: loading it is what takes the time.
    """
    run = world.whole_run(repo)
    hook, _ = world.house.webhooks.create(world.house.admin, {"url": "https://hooks.example.org/" + "x" * 60})
    world.house.webhooks.test(world.house.admin, hook.id)
    page = open_page("/")
    tabs = {
        f"run-{tab or 'transcript'}": f"/runs/{run.id}/{tab}".rstrip("/")
        for tab in ("", "changes", "checks", "calls", "events", "details")
    }
    addresses = {
        "overview": "/", "runs": "/runs", "start": "/start", "repos": "/repos", "repo": f"/repos/{repo.id}",
        "keys": "/keys", "schedules": "/schedules", "schedule": "/schedules/new", "workers": "/workers",
        "webhooks": "/webhooks", "webhook": f"/webhooks/{hook.id}", "missing": "/runs/run_0", **tabs,
    }  # fmt: skip
    found = []
    for name, address in addresses.items():
        page.goto(address)
        page.evaluate("document.querySelectorAll('main details:not(.file)').forEach(each => each.open = true)")
        found += [f"{name} {fault}" for fault in faults_of(page, name)]
    found += [f"sign-in {fault}" for fault in faults_of(open_page("/sign-in", key=None), "sign-in")]
    world.house.webhooks.remove(world.house.admin, hook.id)
    assert found == []


def faults_of(page: Page, name: str) -> list[str]:
    """Of the page as it is open, in every view."""
    found = []
    for view, width, scheme in VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})  # what is out of sight is not painted
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wider > 0:
            found.append(f"{view}: {wider} px wider than the window")
        if view in LOOKED_AT:
            found += [f"{view}: {fault}" for fault in serious_faults(page, LOOKED_AT[view])]
        if KEEP_SCREENSHOTS:
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name}-{view}.png", full_page=True)
    return found


def serious_faults(page: Page, rules: dict[str, object]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        session = page.context.new_cdp_session(page)  # past the page's policy, which lets no foreign script in
        session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    violations = page.evaluate(
        "runOnly => axe.run(document, {runOnly, resultTypes: ['violations']}).then(found => found.violations)", rules
    )
    return [
        f"{each['id']}: {node['html'][:150]} {node.get('failureSummary', '')[:200]}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]
