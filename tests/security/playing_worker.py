"""A worker for the attack tests: drives a driver as whoever it was started as, and prints outcomes as JSON.

Started as a process of its own, with a secret in its environment and on its command line, as root or as a plain user.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mogplex.domain.ports import Limits, Mount, SandboxSpec
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.watchdog import DiskRules

PYTHON = "/usr/bin/python3"
FILL = """
import errno, json, os, sys
filled = {}
for folder in ("/tmp", "/dev/shm", "/run", *sys.argv[1:]):
    written = 0
    try:
        with open(folder + "/fill", "wb", buffering=0) as file:
            while written < 2**30:
                written += file.write(bytes(2**20))
    except OSError as error:
        filled[folder] = [errno.errorcode[error.errno], written]
    os.unlink(folder + "/fill")
print(json.dumps(filled))
"""
FREEZE = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, 1, None, None), flush=True)  # PTRACE_ATTACH: stops the sandbox's first process
raise SystemExit(0)
"""
LISTENER_PORT = 3917
CALL = f"""
import errno, json, os, socket
with socket.create_connection(("127.0.0.1", {LISTENER_PORT}), timeout=20) as connection:
    said = connection.recv(100).decode()
try:
    socket.socket().bind(("127.0.0.1", {LISTENER_PORT}))
    taken = "bound"
except OSError as error:
    taken = errno.errorcode[error.errno]
print(json.dumps({{"said": said, "taken": taken, "descriptors": len(os.listdir("/proc/self/fd"))}}))
"""
MANY_FILES = 100_000  # against a limit of 5,000; the driver's own is a million, which no test can wait for
FILES = f"""
import os
os.mkdir("/work/many")
os.chdir("/work/many")
for number in range({MANY_FILES}):
    os.close(os.open(str(number), os.O_WRONLY | os.O_CREAT, 0o600))
print("made them all", flush=True)
"""
SPARSE = """
import errno, json, os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("/work/sparse", "wb") as file:
    try:
        file.truncate(10 * 2**30)
        said = "done"
    except OSError as error:
        said = errno.errorcode[error.errno]
    size = os.fstat(file.fileno()).st_size
    file.truncate(2**30)  # what is allowed takes no room
print(json.dumps({"said": said, "size": size, "blocks": os.stat("/work/sparse").st_blocks}))
"""
BOMB = ":(){ :|:& };:; :|:; sleep 1000"
HOG = 'data = [b"x" * 2**20 for _ in range(400)]; print("had it")'


class Play:
    def __init__(self, driver: Any, room: Path) -> None:
        self.driver = driver
        self.room = room
        self.outcomes: dict[str, Any] = {"uid": os.getuid(), "runner": driver.runner.uid}

    async def run(self, name: str, *argv: str, limits: Limits | None = None, **fields: Any) -> bytes:
        """One sandbox; its ending is an outcome, its output is returned."""
        limits = limits or Limits(wall_seconds=30)
        process = await self.driver.start(SandboxSpec(name, argv, limits=limits, directory="/", **fields))
        try:
            out, err = bytearray(), bytearray()
            await asyncio.gather(self._take(process.stdout, out), self._take(process.stderr, err))
            end = await process.wait()
        finally:
            process.kill()
        self.outcomes[name] = {
            "code": end.exit_code,
            "killed_by": end.killed_by,
            "left": end.processes_left,
            "out": out.decode(errors="replace"),
            "err": err.decode(errors="replace"),
        }
        return bytes(out)

    async def _take(self, stream: Any, into: bytearray) -> None:
        async for chunk in stream:
            into.extend(chunk[: 2**20 - len(into)])

    async def attack_from_inside(self, script: bytes) -> None:
        work, store = self.room / "work", self.room / "store"
        for folder in (work, store):
            folder.mkdir()
            os.chown(folder, self.driver.runner.uid, self.driver.runner.gid)
        (store / "object").write_text("shared")
        os.chown(store / "object", self.driver.runner.uid, self.driver.runner.gid)
        abstract = f"mogplex-{secrets.token_hex(8)}"
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.socket(socket.AF_UNIX) as named,
            socket.socket(socket.AF_UNIX) as file,
        ):
            named.bind("\0" + abstract)
            named.listen()
            file.bind(str(self.room / "socket"))
            file.listen()
            os.chmod(self.room / "socket", 0o777)
            facts = {
                "port": listener.getsockname()[1],
                "abstract": abstract,
                "room": str(self.room),
                "worker": os.getpid(),
                "secret": os.environ["WORKER_SECRET"][::-1],
            }
            said = await self.run(
                "inside",
                *(PYTHON, "-", json.dumps(facts)),
                mounts=(Mount(work, "/work", writable=True), Mount(store, "/repo")),
                stdin=script,
            )
        self.outcomes["attempts"] = json.loads(said) if said else {}
        planted = (work / "planted").stat()
        self.outcomes["planted"] = {"mode": oct(planted.st_mode & 0o7777), "uid": planted.st_uid}
        self.outcomes["store"] = (store / "object").read_text()

    async def exhaust(self) -> None:
        limits = Limits(wall_seconds=20, tmp_bytes=8 * 2**20)
        home = ["/home/agent"] if self.driver.name == "bubblewrap" else []  # elsewhere it counts as disk
        await self.run("fill", PYTHON, "-c", FILL, *home, limits=limits)
        limits = Limits(wall_seconds=0.6, processes=60)
        neighbour = self.run(
            "neighbour", "/bin/sh", "-c", "for i in 1 2 3 4 5; do /bin/true & wait; sleep 0.1; done; echo well"
        )
        await asyncio.gather(self.run("bomb", "/bin/bash", "-c", BOMB, limits=limits), neighbour)
        await self.run("hog", PYTHON, "-c", HOG, limits=Limits(wall_seconds=20, memory_bytes=100 * 2**20))
        work = self.room / "work"
        await self.run(
            "disk",
            *(
                "/bin/bash",
                "-c",
                "for i in $(seq 100); do head -c 5000000 /dev/zero > /work/$i || exit; done; sleep 1000",
            ),
            limits=Limits(wall_seconds=20, disk_bytes=20_000_000),
            mounts=(Mount(work, "/work", writable=True),),
        )

    async def crowd(self) -> None:
        """A file with nothing in it, and more files than are allowed."""
        work = (Mount(self.room / "work", "/work", writable=True),)
        await self.run("sparse", PYTHON, "-c", SPARSE, mounts=work)
        await self.run("files", PYTHON, "-c", FILES, mounts=work)

    async def listen(self) -> None:
        """A listener made from outside: only the sandbox's own network has it."""
        process = await self.driver.start(
            SandboxSpec("listen", (PYTHON, "-c", CALL), directory="/", listeners=(LISTENER_PORT,))
        )
        try:
            with process.listeners[LISTENER_PORT].dup() as listener:
                listener.setblocking(False)
                connection, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(listener), 20)
                with connection, socket.socket() as outside:
                    self.outcomes["listener on the host"] = outside.connect_ex(("127.0.0.1", LISTENER_PORT)) == 0
                    connection.sendall(b"served")
            out = bytearray()
            await self._take(process.stdout, out)
            await process.wait()
        finally:
            process.kill()
        self.outcomes["listener inside"] = json.loads(out)

    async def freeze(self) -> None:
        started = time.monotonic()
        await self.run("freeze", PYTHON, "-c", FREEZE, limits=Limits(wall_seconds=1.0))
        self.outcomes["freeze"]["seconds"] = time.monotonic() - started


async def main(name: str, script: bytes) -> None:
    driver: Any = DRIVERS[name](disk_rules=DiskRules(free_bytes=0, tick_seconds=0.1, files=MANY_FILES // 20))
    with tempfile.TemporaryDirectory(prefix="mogplex-attack-", dir="/tmp") as folder:
        os.chmod(folder, 0o711)
        play = Play(driver, Path(folder))
        await play.attack_from_inside(script)
        await play.listen()
        await play.exhaust()
        await play.crowd()
        await play.freeze()
    sys.stdout.write(json.dumps(play.outcomes))


asyncio.run(main(sys.argv[3], Path(sys.argv[1]).read_bytes()))
