"""What a harness costs beside the work it does: ours, the CLIs of others, and mini-swe-agent as the peer, side by side.

    PYTHONPATH=src python benchmarks/harnesses.py [--rounds 5] [--peer-folder DIR] [--no-peer]

All play the same scenario against the scripted model, which answers at once: read a file, edit it, run the tests, end.
Each runs in a fresh sandbox on a fresh copy of examples/sample-repo, and they take turns, so that whatever else the
machine does harms all alike. CPU seconds are of the whole sandbox, less what the test command used by its own account.
Memory is the highest sum of proportional set sizes that was seen, 20 times a second.

The peer is installed into a folder of its own (about 700 MB, a temporary one unless --peer-folder names one that is
kept). Where that is impossible, the table says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.model import MODEL_PORT, ModelEndpoint
from mogplex.domain.ports import Launch, Limits, Mount, SandboxSpec, Task
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from mogplex.harnesses import HARNESSES
from mogplex.sandboxes.bubblewrap import BubblewrapDriver

SAMPLE = Path(__file__).resolve().parents[1] / "examples" / "sample-repo"
MODELS = {"builtin": "gpt-5.5", "codex": "gpt-5.5", "claude-code": "claude-opus-5-5"}
PEER = "mini-swe-agent"
PEER_PACKAGES = ("mini-swe-agent==2.4.6", "mcp")  # its own dependencies forget the second
PEER_INSTALL_SECONDS = 900
PEER_TARGET = "/opt/peer"
PROMPT = "The test test_orders_ship_free_from_the_limit_on fails. Mend the code."
SCENARIO = """
usage: {{input: 1200, output: 80}}
directory: /work
turns:
  - text: I will look at the rates first.
    tools: [{{read: {{path: src/parcels/rates.py}}}}]
  - tools:
      - edit:
          path: src/parcels/rates.py
          old: "    if order_cents > FREE_FROM_CENTS:"
          new: "    if order_cents >= FREE_FROM_CENTS:"
  - tools: [{{shell: {{command: "python3 -m pytest -q -p no:cacheprovider && touch .passed; times > .times"}}}}]
  - {last}
"""
LAST = "text: Orders of exactly the limit ship free now, and the tests pass."
LAST_OF_PEER = "tools: [{shell: {command: echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT}}]"
SAMPLES_A_SECOND = 20


@dataclass
class Figures:
    """Of one run, in seconds and MiB. `calls` are requests to the model."""

    first_request: float
    total: float
    cpu: float
    tools_cpu: float
    peak: float
    calls: int
    mended: bool


class Memory:
    """The highest memory that all processes below this one used together."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._stopped.set()
        self._thread.join()
        return self.peak

    def _watch(self) -> None:
        while not self._stopped.wait(1 / SAMPLES_A_SECOND):
            self.peak = max(self.peak, sum(map(pss, descendants(os.getpid()))))


def descendants(top: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [top]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def pss(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def tools_cpu(work: Path) -> float:
    """From what the shell's `times` wrote: user and system time of the shell and of its children."""
    try:
        spans = re.findall(r"(\d+)m([\d.]+)s", (work / ".times").read_text())
    except OSError:
        return 0.0
    return sum(int(minutes) * 60 + float(seconds) for minutes, seconds in spans)


def launch_of(name: str, shared: Path, peer: Path | None) -> Launch:
    if name != PEER:
        harness = HARNESSES[name](shared)
        endpoint = ModelEndpoint(f"http://127.0.0.1:{MODEL_PORT}", harness.protocols[0], MODELS[name])
        task = Task("run_1", 1, PROMPT, "/work", endpoint=endpoint, state_folder="/state", timeout_seconds=300)
        return harness.launch(task)
    assert peer is not None
    environment = {
        "OPENAI_API_KEY": "none",
        "OPENAI_API_BASE": f"http://127.0.0.1:{MODEL_PORT}/v1",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{MODEL_PORT}/v1",
        "MSWEA_CONFIGURED": "true",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "MSWEA_GLOBAL_CONFIG_DIR": "/tmp/mini",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    argv = ("python3", "-m", "minisweagent.run.mini", "-y", "--exit-immediately", "-m", "openai/gpt-5.5", "-t", PROMPT)
    return Launch((*argv, "-o", "/tmp/trajectory.json"), environment, (Mount(peer, PEER_TARGET),))


def run_once(name: str, shared: Path, peer: Path | None, driver: BubblewrapDriver) -> Figures:
    top = Path(tempfile.mkdtemp(prefix="mogplex-benchmark-", dir="/tmp"))
    top.chmod(0o755)
    try:
        work, state = top / "work", top / "state"
        shutil.copytree(SAMPLE, work)
        state.mkdir()
        subprocess.run(["git", "init", "-q", str(work)], check=True)
        for path in (work, state, *work.rglob("*")):
            os.chown(path, driver.runner.uid, driver.runner.gid)
        launch = launch_of(name, shared, peer)
        tools = HARNESSES["repair"](shared).launch(Task("run_1", 1, "", "/work"))  # pytest for a repo without a setup
        environment = {**tools.environment, **launch.environment}
        if name == PEER:
            environment["PYTHONPATH"] = f"{PEER_TARGET}:{tools.environment['PYTHONPATH']}"
        spec = SandboxSpec(
            "benchmark",
            launch.argv,
            mounts=(Mount(work, "/work", True), Mount(state, "/state", True), *tools.mounts, *launch.mounts),
            environment=environment,
            path=(*launch.path, *tools.path),
            limits=Limits(wall_seconds=240, memory_bytes=8 * 1024**3),
            stdin=launch.stdin,
            listeners=(MODEL_PORT,),
        )
        scenario = parse_scenario(SCENARIO.format(last=LAST_OF_PEER if name == PEER else LAST))
        return asyncio.run(measure(scenario, spec, driver, work))
    finally:
        shutil.rmtree(top, ignore_errors=True)


async def measure(scenario: object, spec: SandboxSpec, driver: BubblewrapDriver, work: Path) -> Figures:
    memory = Memory()
    async with ScriptedModel(scenario) as model:  # type: ignore[arg-type]
        process = await driver.start(spec)
        begun = time.time()
        try:
            await model.serve(process.listeners[MODEL_PORT].dup())
            *_, exit = await asyncio.gather(read_all(process.stdout), read_all(process.stderr), process.wait())
        finally:
            process.kill()
            await process.wait()
        total = time.time() - begun
        first = model.exchanges[0].at - begun if model.exchanges else float("nan")
        calls = len(model.exchanges)
    peak, used = memory.stop(), tools_cpu(work)
    mended = ">= FREE_FROM_CENTS" in (work / "src/parcels/rates.py").read_text() and (work / ".passed").exists()
    return Figures(first, total, exit.cpu_seconds - used, used, peak, calls, mended)


async def read_all(chunks: object) -> None:
    async for _ in chunks:  # type: ignore[attr-defined]
        pass


def install_peer(folder: Path) -> str | None:
    """Why the peer can't be had; None when it can."""
    if (folder / "minisweagent").is_dir():
        return None
    pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), *PEER_PACKAGES]
    try:
        subprocess.run(pip, check=True, capture_output=True, timeout=PEER_INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or b""
        return f"could not be installed: {type(error).__name__} {told.decode(errors='replace')[-300:]}"
    return None


def print_table(results: dict[str, list[Figures]]) -> None:
    head = ("", "1st request s", "total s", "CPU s", "of codex", "tools' CPU s", "peak MiB", "calls", "mended")
    print("\n" + "".join(f"{cell:>15}" for cell in head) + "\n" + " " * 15 + "median (least) of each")
    codex = statistics.median(each.cpu for each in results["codex"]) if results.get("codex") else None
    for name, runs in results.items():
        cells = [name]
        for field in ("first_request", "total", "cpu"):
            values = [getattr(each, field) for each in runs]
            cells.append(f"{statistics.median(values):.2f} ({min(values):.2f})")
        cpu = statistics.median(each.cpu for each in runs)
        cells.append(f"{cpu / codex:.2f}" if codex else "-")
        cells.append(f"{statistics.median(each.tools_cpu for each in runs):.2f}")
        cells.append(f"{statistics.median(each.peak for each in runs):.0f}")
        cells.append(f"{statistics.median(each.calls for each in runs):g}")
        cells.append(f"{sum(each.mended for each in runs)} of {len(runs)}")
        print("".join(f"{cell:>15}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-folder", type=Path, help="where the peer is kept, or is to be")
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="mogplex-harnesses-", dir="/tmp"))
    top.chmod(0o755)
    names, peer = [], given.peer_folder or top / "peer"
    try:
        for name in MODELS:
            probe = HARNESSES[name](top / "shared").probe()
            print(f"{name}: {probe.facts.get('version') if probe.ok else f'not here: {probe.detail}'}")
            names += [name] if probe.ok else []
        reason = "left out" if given.no_peer else install_peer(peer)
        print(f"{PEER}: {reason or PEER_PACKAGES[0]}")
        names += [] if reason else [PEER]
        driver, results = BubblewrapDriver(), {name: [] for name in names}
        for number in range(given.rounds + 1):
            for name in names:
                figures = run_once(name, top / "shared", peer, driver)
                if number:  # the first round warms the caches
                    results[name].append(figures)
                print(f"round {number}: {name}: {figures}", flush=True)
        print_table(results)
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
