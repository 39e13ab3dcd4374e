"""What a setup costs a run: cold (packages are installed), and warm (what was installed is there).

    python benchmarks/setup.py [--rounds 5] [--requirement iniconfig]

Cold needs the package index. Warm stands beside the same run in a repo without a setup.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.acceptance.house import SUCCESS, House


def play(house: House, repo: dict[str, Any], cached: bool | None) -> tuple[float, float]:
    """One run: milliseconds of its setup, and of all its preparation. `cached` None: it has none."""
    run_id = house.run_script(repo["id"], SUCCESS, delivery="patch")["runId"]
    run = house.wait(run_id, 300)
    if run["outcome"] != "no_changes":
        sys.exit(f"the run ended as {run['outcome']}: {run['error']}")
    finished = [event for event in house.events(run_id) if event["type"] == "setup_finished"]
    if [event["payload"]["cached"] for event in finished] != ([] if cached is None else [cached]):
        sys.exit(f"the setup should have been cached={cached}: {finished}")
    return sum(event["payload"]["durationMs"] for event in finished), run["timing"]["preparingMs"]


def show(name: str, times: list[tuple[float, float]]) -> None:
    setups, preparations = zip(*times, strict=True)
    print(
        f"{name:<44} setup p50 {statistics.median(setups):8.0f} ms   "
        f"whole preparation p50 {statistics.median(preparations):8.0f}  min {min(preparations):8.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requirement", default="iniconfig")
    options = parser.parse_args()
    house = House()
    try:
        house.start()
        plain = house.add_repo("bench/plain")
        play(house, plain, None)  # its mirror is made
        show("no setup", [play(house, plain, None) for _ in range(options.rounds)])
        cold, warm = [], []
        for number in range(options.rounds):
            # A comment makes it another setup; the mirror is there after the first run without one.
            repo = house.add_repo(f"bench/setup-{number}", setup=["true"])
            play(house, repo, None)
            house.client.update_repo(repo["id"], {"setup": [f"pip install -q {options.requirement}  # {number}"]})
            cold.append(play(house, repo, False))
            warm.append(play(house, repo, True))
        show(f"cold: pip install {options.requirement}", cold)
        show("warm: the same again", warm)
    finally:
        house.close()


if __name__ == "__main__":
    main()
