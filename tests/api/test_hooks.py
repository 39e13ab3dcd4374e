"""`POST /hooks/github` over HTTP: open to all, believed by its signature, bounded."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.api.door import BASE, Door
from tests.api.test_documented_commands import commands
from tests.forges.messages import SECRET, comment, sign

PATH = f"{BASE}/hooks/github"


def listen(door: Door) -> None:
    forge = {"kind": "github", "apiUrl": "https://github.example/api/v3", "project": "acme/widgets"}
    repo = door.house.add_repo(forge=forge, hooks={"on": ["comment"]})
    door.house.secrets.put(door.house.admin, repo.id, "HOOK", {"value": SECRET + "\n", "phases": ["hook"]})


def send(door: Door, raw: bytes, method: str = "POST", **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(door.host, door.port, timeout=60)
    try:
        told = {"Content-Type": "application/json", "X-GitHub-Event": "issue_comment", **headers}
        connection.request(method, PATH, raw, told)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_signed_message_is_taken_without_a_key(door: Door) -> None:
    listen(door)
    raw = json.dumps(comment("/mogplex mend it")).encode()
    signed = {"X-Hub-Signature-256": sign(raw), "X-GitHub-Delivery": "0f5b1e0e-1111"}
    status, body = send(door, raw, **signed)
    assert (status, body["data"]["status"]) == (202, "accepted")
    status, body = send(door, raw, **signed)
    assert (status, body["data"]["status"]) == (200, "duplicate")


def test_what_is_not_signed_is_told_nothing(door: Door) -> None:
    listen(door)
    raw = json.dumps(comment("/mogplex mend it")).encode()
    status, body = send(door, raw, **{"X-GitHub-Delivery": "0f5b1e0e-1111"})
    assert (status, body["error"]["code"]) == (401, "UNAUTHORIZED") and "acme" not in json.dumps(body)


def test_it_is_bounded_and_takes_posts_of_json_only(door: Door) -> None:
    listen(door)
    assert send(door, b" " * (2 * 1024 * 1024 + 1))[0] == 413
    assert send(door, b"payload=x", **{"Content-Type": "application/x-www-form-urlencoded"})[0] == 415
    assert send(door, b"", "GET")[0] == 405


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl")
def test_the_command_of_the_page_does_what_it_says(door: Door, tmp_path: Path) -> None:
    listen(door)
    (command,) = commands("github.md")
    (tmp_path / "hook.secret").write_text(SECRET + "\n")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "api": f"http://{door.host}:{door.port}{BASE}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["data"] == {
        "status": "accepted",
        "reason": "a run for acme/widgets is asked for",
    }
