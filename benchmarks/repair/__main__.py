"""How many bugs the repair harness fixes, and how many of its patches are right.

    python benchmarks/repair programs [--seconds 60] [--only NAME]
    python benchmarks/repair libraries [--seconds 60] [--half development|set-aside] [--round 2] [--only NAME]
                                       [--retry-seconds 300]
    python benchmarks/repair history [--seconds 60] [--only NAME]
    python benchmarks/repair order [--only NAME]   where the right patch stands among the candidates
    python benchmarks/repair inject [--round 3]   adds that round's bugs to bugs.json

`programs` is the quick set of classic algorithms; `libraries` and `history` fetch real packages (see README.md here).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import history
import injection
import programs
from judge import judge
from libraries import fetch, library
from order import standing
from trial import Outcome, run_engine

from mogplex.harnesses.repair.toolkit import Toolkit

CACHE = Path.home() / ".cache" / "mogplex-benchmark"
RIGHT = ("same", "equal", "message")


class Table:
    """Prints one line a bug, and the figures at the end."""

    def __init__(self, seconds: float, log: Path | None) -> None:
        self.seconds = seconds
        self.log = log
        self.rows: list[tuple[str, Outcome, str]] = []

    def add(self, name: str, outcome: Outcome, verdict: str) -> None:
        self.rows.append((name, outcome, verdict))
        if self.log:
            with self.log.open("a") as lines:
                lines.write(json.dumps({"name": name, "verdict": verdict, **asdict(outcome)}) + "\n")
        word = verdict if outcome.success else "NOT FIXED"
        print(f"{outcome.seconds:6.1f} s {outcome.tried:6} tried  {word:11} {name}", flush=True)
        if not outcome.success:
            print("         " + outcome.summary.replace("\n", "\n         ")[:700])
        elif verdict != "same":
            patch = outcome.patch
            print(f"         {patch.get('template')}: {patch.get('before')!r} -> {patch.get('after')!r}")

    def show(self) -> None:
        total = len(self.rows) or 1
        for limit in (10, 60, 300):
            if limit <= self.seconds or limit == 10:
                quick = [(outcome, verdict) for _, outcome, verdict in self.rows if outcome.seconds <= limit * 1.05]
                plausible = sum(outcome.success and verdict != "suite fails" for outcome, verdict in quick)
                right = sum(outcome.success and verdict in RIGHT for outcome, verdict in quick)
                message, unknown = (
                    sum(outcome.success and verdict == word for outcome, verdict in quick)
                    for word in ("message", "unknown")
                )
                print(
                    f"within {limit:3} s: plausible {plausible}/{total}, right {right}/{total} "
                    f"({message} but for what an exception says), can't be told {unknown}"
                )
        spent: Counter[str] = Counter()
        for _, outcome, _ in self.rows:
            spent.update(outcome.timing)
        whole = sum(outcome.seconds for _, outcome, _ in self.rows)
        parts = ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in spent.most_common())
        tried = sum(outcome.tried for _, outcome, _ in self.rows)
        print(
            f"{whole:.0f} s in all ({parts}); {tried / max(0.1, spent.get('search', whole)):.0f} candidates/s of search"
        )


def run_programs(given: argparse.Namespace, toolkit: Path, table: Table) -> None:
    for bug in programs.load():
        if given.only not in bug.name:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            programs.write(bug, folder)
            outcome = run_engine(toolkit, folder, given.seconds)
            table.add(bug.name, outcome, "same" if programs.is_right(bug, folder) else "other")


def chosen(given: argparse.Namespace) -> Iterator[injection.Bug]:
    """The bugs of the half and round that is wanted."""
    for bug in injection.load():
        is_half = bug.is_set_aside == (given.half == "set-aside")
        if is_half and given.round in (0, bug.round) and given.only in bug.name:
            yield bug


def run_libraries(given: argparse.Namespace, toolkit: Path, table: Table) -> None:
    for bug in chosen(given):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name) / bug.library
            shutil.copytree(fetch(library(bug.library), given.cache), root)
            file, failing = root / bug.path, library(bug.library).failing
            original = file.read_text()
            file.write_text(injection.broken(bug, original))
            outcome = run_engine(toolkit, root, given.seconds)
            if not outcome.success and given.retry_seconds:
                print(f"         not in {given.seconds:.0f} s: {bug.name}", flush=True)
                outcome = run_engine(toolkit, root, given.retry_seconds)
            verdict = judge(root, bug.path, original, file.read_text(), failing) if outcome.success else ""
            if outcome.success and outcome.patch.get("path") != bug.path:
                verdict = "unknown"  # another file was mended: none of its functions is what it was
            table.add(f"{bug.name} ({bug.lines}-line)", outcome, verdict)


def run_history(given: argparse.Namespace, toolkit: Path, table: Table) -> None:
    for fix in history.load():
        if given.only not in fix.name:
            continue
        with tempfile.TemporaryDirectory() as name:
            root = Path(name) / fix.package
            right = history.write(fix, given.cache, root)
            outcome = run_engine(toolkit, root, given.seconds)
            verdict = judge(root, fix.path, right, (root / fix.path).read_text()) if outcome.success else ""
            table.add(fix.name, outcome, verdict)


def show_order(given: argparse.Namespace) -> None:
    for bug in programs.load():
        if given.only in bug.name:
            with tempfile.TemporaryDirectory() as name:
                programs.write(bug, Path(name))
                print(f"{bug.name}: {standing(Path(name).resolve(), 'program.py', bug.right)}", flush=True)
    for fix in history.load():
        if given.only in fix.name:
            with tempfile.TemporaryDirectory() as name:
                root = Path(name).resolve() / fix.package
                right = history.write(fix, given.cache, root)
                print(f"{fix.name}: {standing(root, fix.path, right)}", flush=True)
    for bug in chosen(given):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name).resolve() / bug.library
            shutil.copytree(fetch(library(bug.library), given.cache), root)
            original = (root / bug.path).read_text()
            (root / bug.path).write_text(injection.broken(bug, original))
            print(f"{bug.name} ({bug.lines}-line): {standing(root, bug.path, original)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/repair")
    parser.add_argument("what", choices=["programs", "libraries", "history", "order", "inject"])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--retry-seconds", type=float, default=0.0, help="try those that were missed once more, longer")
    parser.add_argument("--half", choices=["development", "set-aside"], default="development")
    rounds = range(injection.LAST_ROUND + 1)
    parser.add_argument("--round", type=int, choices=rounds, default=0, help="which bugs; 0: all")
    parser.add_argument("--only", default="", help="a part of the name")
    parser.add_argument("--log", type=Path, help="a file that gets one JSON object a bug: all that was said")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where source packages are kept")
    given = parser.parse_args()
    if given.what == "inject":
        injection.make(given.cache, given.round or injection.LAST_ROUND)
        return 0
    if given.what == "order":
        show_order(given)
        return 0
    table = Table(max(given.seconds, given.retry_seconds), given.log)
    with tempfile.TemporaryDirectory() as folder:
        toolkit = Toolkit.build(Path(folder) / "toolkit").folder
        {"programs": run_programs, "libraries": run_libraries, "history": run_history}[given.what](
            given, toolkit, table
        )
    table.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
