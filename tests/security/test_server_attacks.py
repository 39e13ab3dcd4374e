"""What a run tries against its server and against another run; for a server that root started, and one of a user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful, make_repo

PLAIN_UID = 59734
SECRET = "planted-secret-9c41"

# Prints what it found as one record of the scripted harness's protocol. %s: facts as JSON.
INSIDE = r"""
import errno, json, os, socket, sys
facts = json.loads(sys.argv[1])
found = {}
found["reachable"] = [path for path in facts["paths"] if os.path.exists(path)]
walked = []
for top, folders, files in os.walk("/", onerror=lambda error: None):
    folders[:] = [name for name in folders if os.path.join(top, name) not in ("/proc", "/usr", "/sys")]
    walked += [os.path.join(top, name) for name in files if name in ("mogplex.db", "auth.json", "other-secret")]
found["walked"] = walked
seen = b""
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            seen += file.read()
found["secret"] = facts["secret"][::-1].encode() in seen
found["neighbour"] = facts["neighbour"][::-1].encode() in seen
for address in facts["addresses"]:
    try:
        socket.create_connection((address, facts["port"]), timeout=5).close()
        found[address] = "connected"
    except OSError as error:
        found[address] = errno.errorcode.get(error.errno, str(error))
for host in ("127.0.0.1", "localhost"):
    with socket.create_connection(("127.0.0.1", 3128), timeout=20) as proxy:
        authority = f"{host}:{facts['port']}"
        proxy.sendall(f"GET http://{authority}/api/v1/mogplex/runs HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        found[f"by proxy {host}"] = int(proxy.recv(100).split()[1])
print(json.dumps({"type": "message", "text": json.dumps(found)}))
"""


class UserHouse(House):
    """A server that a plain user started, on repos of that user's."""

    def start(self, *, wait: bool = True) -> House:
        os.chown(self.root, PLAIN_UID, PLAIN_UID)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mogplex", "serve", "--port", str(self.port)],
                env=self.environment | {"HOME": str(self.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=PLAIN_UID,
                group=PLAIN_UID,
                extra_groups=[],
            )
        if wait:
            self.until(self._is_up, 60, "the server to answer")
        return self

    def add_repo(self, name: str = "demo/clamp", files: dict[str, str] | None = None, **settings: Any) -> Any:
        folder = make_repo(self.root / "repos" / name, files)
        self.give(self.root / "repos")
        return self.client.add_repo({"name": name, "cloneUrl": str(folder), **settings})

    def give(self, folder: Path) -> None:
        subprocess.run(["/bin/chown", "-R", f"{PLAIN_UID}:{PLAIN_UID}", str(folder)], check=True)


@pytest.fixture(scope="module", params=["root-started", "user-started"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    if request.param == "root-started" and os.geteuid() != 0:
        pytest.skip("this test run is not root")
    other_user = request.param == "user-started" and os.geteuid() == 0
    if other_user:
        looked = subprocess.run([sys.executable, "-c", "import mogplex"], user=PLAIN_UID, capture_output=True, cwd="/")
        if looked.returncode != 0:
            pytest.skip(f"{sys.executable} lies where another user can't run it")
    made = (UserHouse if other_user else House)(fresh=True, MOGPLEX_SLOTS="2", PLANTED_SECRET=SECRET)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope="module")
def found(house: House) -> dict[str, Any]:
    """All attempts, once for each server, while another run is at work."""
    neighbours = house.add_repo("demo/neighbour")
    # By bash, as not every /bin/sh can name what it executes.
    script = f"echo {SECRET} > other-secret; echo begun; exec bash -c 'exec -a neighbour-sleeps sleep 300'"
    other = house.run_script(neighbours["id"], script, delivery="patch")
    house.wait_for_event(other["runId"], "stream_started")
    house.until(lambda: any("neighbour-sleeps 300" in line for line in house.left_processes()), 30, "it to sleep")
    others = [str(path) for path in (house.root / "work" / "runs").iterdir()]
    assert any(other["runId"] in path for path in others)
    facts = {
        "paths": [str(house.root), str(house.home), "/root", "/var/lib", *others],
        "secret": SECRET[::-1],  # reversed, so that asking does not plant it
        "neighbour": "neighbour-sleeps"[::-1],
        "port": house.port,
        "addresses": ["127.0.0.1", "10.0.0.1", "169.254.169.254"],
    }
    # The owner of the repo even allows the server's own address.
    repo = house.add_repo("demo/attacker", allowHosts=[f"127.0.0.1:{house.port}", f"localhost:{house.port}"])
    attack = f"python3 - {json.dumps(json.dumps(facts))} <<'PYTHON'\n{INSIDE}PYTHON\n{SUCCESS}"
    run = house.run_script(repo["id"], attack, delivery="patch")
    house.wait(run["runId"])
    events = house.events(run["runId"])
    house.client.cancel_run(other["runId"])
    assert house.wait(other["runId"])["status"] == "cancelled"  # it lived as long as the attack did
    said = [event["message"] for event in events if event["type"] == "assistant_message"]
    assert said, [event["message"] for event in events]
    outcome: dict[str, Any] = json.loads(said[0])
    return outcome | {"refusals": [event["message"] for event in events if event["payload"].get("stream") == "egress"]}


def test_nothing_of_the_server_or_of_another_run_can_be_found(found: dict[str, Any]) -> None:
    assert (found["reachable"], found["walked"]) == ([], [])


def test_no_variable_and_no_process_outside_is_seen(found: dict[str, Any]) -> None:
    assert (found["secret"], found["neighbour"]) == (False, False)


def test_the_api_cannot_be_reached_from_inside(found: dict[str, Any]) -> None:
    assert found["127.0.0.1"] == "ECONNREFUSED"
    assert {found["10.0.0.1"], found["169.254.169.254"]} == {"ENETUNREACH"}


def test_an_owner_cannot_allow_the_servers_own_address(found: dict[str, Any], house: House) -> None:
    assert (found["by proxy 127.0.0.1"], found["by proxy localhost"]) == (403, 403)
    assert len([text for text in found["refusals"] if text.startswith("refused")]) == 2, found["refusals"]


def test_files_that_tools_obey_are_only_files(house: House) -> None:
    """A repo brings settings of agents, hooks and filters: whatever obeys them does so in a sandbox, or not at all."""
    canary = house.root / "canary"
    canary.mkdir()
    canary.chmod(0o777)
    trap = f"touch {canary}/sung"
    hook = {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": trap}]}]}}
    server = {"mcpServers": {"x": {"command": "/bin/sh", "args": ["-c", trap]}}}
    repo = house.add_repo(
        "demo/hostile",
        {
            ".claude/settings.json": json.dumps(hook),
            ".mcp.json": json.dumps(server),
            ".codex/config.toml": f'[mcp_servers.x]\ncommand = "/bin/sh"\nargs = ["-c", "{trap}"]\n',
            ".gitattributes": "* filter=x diff=x merge=x\n",
            ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = x\n',
            ".vscode/tasks.json": "{}",
            "README": "upper\n",
            "readme": "lower\n",
            "check.sh": "exit 0\n",
        },
        checks=["sh check.sh"],
    )
    folder = house.folder("demo/hostile")
    for name in ("post-checkout", "post-index-change", "pre-push", "pre-commit"):
        (folder / ".git" / "hooks").mkdir(exist_ok=True)
        (folder / ".git" / "hooks" / name).write_text(f"#!/bin/sh\n{trap}\n")
        (folder / ".git" / "hooks" / name).chmod(0o755)
    with (folder / ".git" / "config").open("a") as config:
        config.write(f'[filter "x"]\n\tclean = "{trap}; cat"\n\tsmudge = "{trap}; cat"\n')
        config.write(f'[diff "x"]\n\ttextconv = "{trap}; cat"\n[core]\n\tfsmonitor = "{trap}"\n')
    if isinstance(house, UserHouse):
        house.give(folder)
    # Inside, a hook is planted and springs: it is the sandbox's own /tmp that the trap finds, if any.
    script = (
        "mkdir -p .git/hooks; cp check.sh .git/hooks/pre-commit; git config filter.x.clean 'tee cleaned'\n"
        f"test README -ef readme && exit 3; echo changed >> README; echo changed > rEADME; git status\n{SUCCESS}"
    )
    run = house.run_script(repo["id"], script)
    house.wait(run["runId"])
    ended = assert_truthful(house, run["runId"])
    assert (ended["status"], ended["verdict"]) == ("success", "verified"), ended["error"]
    assert {"README", "rEADME"} <= set(ended["changes"]["paths"]) <= {"README", "rEADME", "cleaned"}
    assert list(canary.iterdir()) == []


def test_a_path_too_long_to_name_is_left_out_told_and_removed(house: House) -> None:
    """No call of the kernel takes a name of 4,096 bytes; folders that deep can be made all the same, step by step."""
    code = (
        "import os\n"
        "for number in range(20):\n"
        "    os.mkdir('d' * 240); os.chdir('d' * 240)\n"
        "open('end', 'w').write('x')\n"
    )
    repo = house.add_repo("demo/deep")
    script = f'python3 -c "{code}"; echo kept > kept.txt\n{SUCCESS}'
    run = house.run_script(repo["id"], script, delivery="patch")
    house.wait(run["runId"])
    ended = assert_truthful(house, run["runId"])
    assert (ended["status"], ended["changes"]["paths"]) == ("success", ["kept.txt"]), ended["error"]
    notes = [event["message"] for event in house.events(run["runId"]) if event["type"] == "log"]
    assert any("could not open directory" in note for note in notes), notes
    house.until(lambda: not list((house.root / "work" / "runs").iterdir()), 30, "the attempt's folder to be removed")


def test_nothing_is_left(house: House, found: dict[str, Any]) -> None:
    assert house.left_processes() == []
