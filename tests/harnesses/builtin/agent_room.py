"""The agent as a real process in a folder, in front of a scripted model. The contract tests add the sandbox."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mogplex.gateway.scripted.exchange import Exchange
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.thread import ScriptedModelThread

PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages")


@dataclass
class Played:
    """What the agent wrote, and what the model was asked."""

    records: list[dict[str, Any]]
    exchanges: list[Exchange]
    exit_code: int

    @property
    def end(self) -> dict[str, Any]:
        """The last record, which must be the only one of its kind."""
        assert [record["type"] for record in self.records].count("end") == 1
        assert self.records[-1]["type"] == "end"
        return self.records[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]

    def asked(self, number: int = -1) -> str:
        """A request as text."""
        return json.dumps(self.exchanges[number].body, ensure_ascii=False)


class Room:
    """A folder that is a git checkout by its looks, and the agent's program."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.program = program
        (folder / ".git").mkdir()

    def play(self, scenario: str, protocol: str = "openai-chat", **task: Any) -> Played:
        """Until the agent ends."""
        with self.start(scenario, protocol, **task) as (process, model):
            out, err = process.communicate(timeout=100)
            assert err == b"", err.decode()
            records = [json.loads(line) for line in out.splitlines()]
        return Played(records, model.exchanges, process.returncode)

    @contextmanager
    def start(
        self, scenario: str, protocol: str = "openai-chat", **task: Any
    ) -> Iterator[tuple[subprocess.Popen[bytes], ScriptedModelThread]]:
        with ScriptedModelThread(parse_scenario(scenario)) as model:
            given = {
                "prompt": "Mend it.",
                "directory": str(self.folder),
                "url": model.url,
                "protocol": protocol,
                "model": "gpt-5.5",
                "session": "run_1-1",
                **task,
            }
            command = ["python3", "-I", "-S", "-B", str(self.program)]
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process:
                assert process.stdin is not None
                process.stdin.write(json.dumps(given).encode())
                process.stdin.close()
                process.stdin = None
                try:
                    yield process, model
                finally:
                    process.kill()


def await_death(pid: int) -> None:
    """Until it is dead, or waits for whoever adopted it to notice; the test's own time limit ends the wait."""
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
