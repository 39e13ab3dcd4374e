"""Where processes of `mogplex` begin as copies of one interpreter: `python -m tests.nursery DESCRIPTOR`.

It imports all commands once, and then forks for each order that comes through the socket. See tests/processes.py.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading

import mogplex.cli
from mogplex.__main__ import main as run_command

ORDER_BYTES = 200_000
# What these import when they are at work, and `mogplex.cli.mcp`, which few tests start, is left out.
AT_WORK = (
    "mogplex.wiring", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "alembic.command",
    "uvloop", "uvicorn.loops.uvloop", "uvicorn.lifespan.on", "uvicorn.protocols.http.h11_impl",
)  # fmt: skip


def import_commands() -> None:
    for name in AT_WORK:
        importlib.import_module(name)
    for found in pkgutil.iter_modules(mogplex.cli.__path__, "mogplex.cli."):
        if found.name != "mogplex.cli.mcp":
            importlib.import_module(found.name)


def await_orders(channel: socket.socket) -> list[str] | None:
    """Returns in each copy with the arguments of its command, and here with None once nobody orders any more."""
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    to_tell: dict[int, socket.socket] = {}
    while True:
        readable, _, _ = select.select([channel, woken], [], [])
        if woken in readable:
            with contextlib.suppress(BlockingIOError):
                woken.recv(4096)
            tell_endings(to_tell)
        if channel not in readable:
            continue
        order, descriptors, _, _ = socket.recv_fds(channel, ORDER_BYTES, 4)
        if not order:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (channel, woken, waker, *to_tell.values()):
                each.close()
            return become(json.loads(order), descriptors)
        to_tell[pid] = socket.socket(fileno=descriptors[3])
        for each in descriptors[:3]:
            os.close(each)
        channel.send(str(pid).encode())


def tell_endings(to_tell: dict[int, socket.socket]) -> None:
    """Wait for those that ended, and send each one's exit code (or minus its signal) to who asked for it."""
    while to_tell:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with to_tell.pop(pid) as asker, contextlib.suppress(OSError):  # perhaps it is asked for no more
            asker.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(order: dict[str, object], descriptors: list[int]) -> list[str]:
    """Take on what a new process would have been given. `descriptors`: the standard ones, and the asker's."""
    for number, each in enumerate(descriptors[:3]):
        os.dup2(each, number)
    for each in descriptors:
        os.close(each)
    os.chdir(str(order["directory"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    arguments = order["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["mogplex", *arguments]
    return arguments


def main() -> int:
    channel = socket.socket(fileno=int(sys.argv[1]))
    import_commands()
    gc.freeze()  # what is there stays, and is not looked through again in each copy
    arguments = await_orders(channel)
    if arguments is None:
        return 0
    code = run_command(arguments)
    # As Python ends, but for one thing: to take the copied modules apart costs more than most commands.
    for each in (sys.stdout, sys.stderr):
        each.flush()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
