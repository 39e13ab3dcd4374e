"""The figures of the pages, in a real browser: how soon an event is seen, how heavy pages are, how a long run opens.

    nice -n 10 .venv/bin/python benchmarks/web.py [--events 200] [--long 10000]

* seen: from the moment the worker's side hands an event over until its text is in the page, over the live stream. Event
  and page share this machine's clock; the browser notes the time with a mutation observer.
* weight: bytes over the wire of the first visit of each page, and how many rounds of requests it took.
* long: a run of 10,000 events, from the request until it is painted; and the server's part of it.
* smooth: the same run with 1,500 events of it loaded, scrolled through from top to end: the time between two
  frames, and the longest task of the page's script.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from tests.web.conftest import ARGUMENTS, CHROMIUM
from tests.web.world import World, said

WATCH = """
window.seen = {};
new MutationObserver((changes) => {
  const now = Date.now();
  for (const change of changes) for (const node of change.addedNodes) {
    for (const found of (node.textContent || "").matchAll(/mark-(\\d+)-/g)) window.seen[found[1]] ??= now;
  }
}).observe(document.getElementById("transcript"), {childList: true, subtree: true});
"""


def open_page(browser: Browser, world: World, path: str) -> Page:
    context = browser.new_context(base_url=world.url, viewport={"width": 1280, "height": 800})
    token = world.pages_token(world.key)
    context.add_cookies([{"name": "mogplex_session", "value": token, "url": world.url}])
    page = context.new_page()
    page.goto(path)
    return page


def measure_seen(browser: Browser, world: World, run_id: str, events: int) -> None:
    run = world.claim(world.house.runs.get(world.house.admin, run_id))
    page = open_page(browser, world, f"/runs/{run.id}")
    page.get_by_text("following live").wait_for()
    time.sleep(1)  # the stream is open
    page.evaluate(WATCH)
    sent = {}
    for number in range(events):
        sent[number] = time.time() * 1000
        world.house.attempts.record(run, [said(f"mark-{number}-")])
        time.sleep(0.03 + 0.05 * (number % 4))
    while page.evaluate("Object.keys(window.seen).length") < events:
        time.sleep(0.05)
    seen = page.evaluate("window.seen")
    delays = sorted(seen[str(number)] - sent[number] for number in sent)
    p50, p95 = statistics.median(delays), delays[int(len(delays) * 0.95) - 1]
    told = f"p50 {p50:.0f} ms   p95 {p95:.0f} ms   most {delays[-1]:.0f} ms   of {events}"
    print(f"event written → in the page     {told}")
    page.context.close()


def measure_weight(browser: Browser, world: World, paths: dict[str, str]) -> None:
    for name, path in paths.items():
        page = open_page(browser, world, "/sign-in")
        page.context.clear_cookies(name="none")
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
        page.goto(path)
        page.wait_for_timeout(300)
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
        weight = f"{sum(sizes) / 1000:6.1f} KB in {len(sizes)} requests"
        print(f"first visit of {name:<14}   {weight}   painted after {painted:.0f} ms")
        page.context.close()


SCROLL = """
async () => {
  const frames = [];
  let last = performance.now();
  const step = Math.max(document.documentElement.scrollHeight / 240, 200);
  for (let at = 0; at < document.documentElement.scrollHeight; at += step) {
    window.scrollTo(0, at);
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return frames.sort((a, b) => a - b);
}
"""
TASKS = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.longest = Math.max(window.longest, each.duration);
}).observe({type: "longtask", buffered: true});
"""


def measure_smooth(browser: Browser, world: World, run_id: str) -> None:
    page = open_page(browser, world, f"/runs/{run_id}")
    page.evaluate(TASKS)
    items = page.locator("#transcript > [id^=e]")
    for _ in range(5):
        before = items.count()
        page.locator("#transcript .more a").first.click()
        while items.count() == before:
            time.sleep(0.02)
    frames = page.evaluate(SCROLL)
    worst = f"p50 {statistics.median(frames):.0f} ms   p95 {frames[int(len(frames) * 0.95) - 1]:.0f} ms"
    print(f"scrolled through {items.count():,} items  {worst} a frame   longest task {page.evaluate('longest'):.0f} ms")
    page.context.close()


def measure_long(browser: Browser, world: World, run_id: str, events: int) -> None:
    page = open_page(browser, world, "/workers")
    taken = []
    for _ in range(5):
        page.goto("about:blank")
        began = time.perf_counter()
        page.goto(f"{world.url}/runs/{run_id}")
        page.locator("#transcript .item").last.wait_for(state="attached")
        taken.append((time.perf_counter() - began) * 1000)
    shapes = page.evaluate("document.querySelectorAll('*').length")
    middle = statistics.median(taken)
    print(f"a run of {events:,} events, opened  {middle:.0f} ms (least {min(taken):.0f})   {shapes:,} elements")
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    request = urllib.request.Request(
        f"{world.url}/runs/{run_id}", headers={"Cookie": cookie, "Accept-Encoding": "gzip"}
    )
    served = []
    for _ in range(5):
        began = time.perf_counter()
        body = urllib.request.urlopen(request, timeout=30).read()
        served.append((time.perf_counter() - began) * 1000)
    sizes = f"{len(body) / 1000:.1f} KB packed, {len(gzip.decompress(body)) / 1000:.0f} KB plain"
    print(f"  the server's part of it       {statistics.median(served):.0f} ms   {sizes}")
    page.context.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--long", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mogplex-web-") as folder, sync_playwright() as playwright:
        database = Database(f"sqlite:///{folder}/mogplex.db")
        upgrade(database)
        world = World(database)
        try:
            repo = world.house.add_repo(checks=["pytest -q"])
            whole, long_run, live = (
                world.whole_run(repo),
                world.long_run(repo, options.long),
                world.start(repo, "Follow me"),
            )
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            measure_seen(browser, world, live.id, options.events)
            pages = {
                "the overview": "/",
                "the list": "/runs",
                "a run": f"/runs/{whole.id}",
                "a long run": f"/runs/{long_run.id}",
            }
            measure_weight(browser, world, pages)
            measure_long(browser, world, long_run.id, options.long)
            measure_smooth(browser, world, long_run.id)
            browser.close()
        finally:
            world.close()
            database.close()


if __name__ == "__main__":
    main()
