"""What tracing costs a run: two servers side by side, one that sends traces to a collector and one that does not.

    python benchmarks/tracing.py [--rounds 4] [--runs 10] [--events 200]

Rounds take turns between the two, so that whatever else the machine does harms both alike; each is so many runs of the
scripted harness with so many tool calls. CPU seconds are those of the server's process, in which traces are made; the
collector is another one. What both use while idle is in both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.acceptance.house import SUCCESS, House, free_port

COLLECTOR = """
import http.server, sys
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        sys.stdout.write("got\\n"); sys.stdout.flush()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
"""
SETTLE_SECONDS = 6.0  # longer than the SDK keeps spans before it sends them


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def script_of(events: int) -> str:
    """A harness that calls a tool `events` times."""
    call = '{"type":"tool_call","id":"%s","name":"shell","arguments":{"command":"ls"}}'
    result = '{"type":"tool_result","id":"%s","name":"shell","ok":true,"summary":"fine"}'
    loop = f"printf '{call}\\n{result}\\n' $i $i"
    return f"i=0; while [ $i -lt {events} ]; do {loop}; i=$((i+1)); done\n{SUCCESS}"


def measure(house: House, repo_id: str, runs: int, script: str) -> tuple[float, float]:
    """CPU seconds of the server, and seconds by the clock, for each of `runs` runs one after the other."""
    assert house.process is not None
    before, began = cpu_seconds(house.process.pid), time.perf_counter()
    for _ in range(runs):
        run = house.wait(house.run_script(repo_id, script, delivery="patch")["runId"])
        assert run["outcome"] == "no_changes", run
    taken = time.perf_counter() - began
    time.sleep(SETTLE_SECONDS)
    return (cpu_seconds(house.process.pid) - before) / runs, taken / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--events", type=int, default=200)
    options = parser.parse_args()
    port, script = free_port(), script_of(options.events)
    collector = subprocess.Popen([sys.executable, "-c", COLLECTOR, str(port)], stdout=subprocess.PIPE)
    houses = {"off": House(), "on": House(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in houses}
    try:
        repos = {name: house.start().add_repo()["id"] for name, house in houses.items()}
        for name, house in houses.items():
            measure(house, repos[name], 2, script)  # what is done once
        for number in range(options.rounds):
            for name in ("off", "on") if number % 2 else ("on", "off"):
                found[name].append(measure(houses[name], repos[name], options.runs, script))
    finally:
        for house in houses.values():
            house.close()
        collector.kill()
        sent = (collector.communicate()[0] or b"").count(b"got")
    assert sent > 0, "the collector got nothing: nothing was measured"
    print(f"{options.rounds} rounds of {options.runs} runs with {options.events} tool calls each, one after the other")
    middle = {}
    for name, rounds in found.items():
        cpu, clock = (statistics.median(each[place] for each in rounds) for place in (0, 1))
        middle[name] = cpu
        print(f"tracing {name:<4} {cpu * 1000:8.0f} ms of the server's CPU a run   {clock * 1000:8.0f} ms by the clock")
    print(f"on / off: {middle['on'] / middle['off']:.2f} ({sent} messages to the collector)")


if __name__ == "__main__":
    main()
