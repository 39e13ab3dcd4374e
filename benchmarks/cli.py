"""What a short command costs: CPU time of `runs get --json` beside that of an empty Python program.

    python benchmarks/cli.py [--rounds 30]

Both are started by turns, so that a busy machine disturbs both alike. CPU time (user + system) of the child is read,
not the clock. The goal is a ratio of at most 8; the exit code is 1 above it. Byte code is compiled before, as an
install with pip does it.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import statistics
import sys
import tempfile
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path

GOAL_RATIO = 8.0
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ANSWER = json.dumps(
    {"ok": True, "data": {"run": {"runId": "run-1", "status": "success", "prompt": "x" * 500}}}
).encode()


class Answerer(http.server.BaseHTTPRequestHandler):
    """Answers every GET with one run."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def make_key() -> str:
    body = "mog_" + "b" * 40
    number = zlib.crc32(body.encode())
    return body + "".join(ALPHABET[number // 62**place % 62] for place in range(5, -1, -1))


def measure_cpu_ms(command: list[str], environment: Mapping[str, str]) -> float:
    """User and system time of one child, in milliseconds."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    pid = os.posix_spawn(command[0], command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, devnull, 1)])
    os.close(devnull)
    _, status, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return (usage.ru_utime + usage.ru_stime) * 1000


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answerer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "MOGPLEX_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "MOGPLEX_API_KEY": make_key(),
            "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src"),
            "PYTHONPYCACHEPREFIX": folder,
        }
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "mogplex --version": [sys.executable, "-m", "mogplex", "--version"],
            "mogplex runs get --json": [sys.executable, "-m", "mogplex", "runs", "get", "run-1", "--json"],
        }
        for command in commands.values():
            measure_cpu_ms(command, environment)  # compiles
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(measure_cpu_ms(command, environment))
    server.shutdown()
    bare = statistics.median(taken["python -c pass"])
    print(f"{'CPU ms per start':<26}{'min':>8}{'median':>8}{'ratio':>8}")
    for name, values in taken.items():
        print(f"{name:<26}{min(values):>8.1f}{statistics.median(values):>8.1f}{statistics.median(values) / bare:>8.1f}")
    # The least of each is the figure to trust: load only ever adds.
    ratio = min(taken["mogplex runs get --json"]) / min(taken["python -c pass"])
    print(f"ratio of the least {ratio:.1f}, goal at most {GOAL_RATIO:g}")
    return 0 if ratio <= GOAL_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
