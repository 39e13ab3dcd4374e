"""A PostgreSQL that can be stopped in the middle of everything and come back with what it had committed."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from tests.databases import _as_server_user, find_binaries


class Postgres:
    def __init__(self, *also: str) -> None:
        """`also`: addresses of this machine to listen on besides the loopback; whoever comes that way is let in."""
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("PostgreSQL is not installed")
        self._binaries = binaries
        self._account = _as_server_user()
        self._folder = tempfile.TemporaryDirectory(prefix="mogplex-soak-pg-")
        self._home = Path(self._folder.name)
        if self._account:
            os.chown(self._home, self._account["user"], self._account["group"])  # type: ignore[arg-type]
        name = "postgres" if self._account else getpass.getuser()
        self._run("initdb", "-D", "data", "-A", "trust", "-U", name, "--no-sync", "-E", "UTF8", "--locale=C")
        self._addresses = ("127.0.0.1", *also)
        with (self._home / "data" / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {address}/30 trust\n" for address in also)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._name = name
        self.url = self.url_at("127.0.0.1")
        self._process: subprocess.Popen[bytes] | None = None

    def url_at(self, address: str) -> str:
        return f"postgresql://{self._name}@{address}:{self._port}/postgres"

    def start(self, *options: str) -> None:
        """`options`: settings for this time, as `fsync=off`."""
        settings = [part for option in ("max_connections=200", *options) for part in ("-c", option)]
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", "data", "-p", str(self._port), "-k", self._home,
             "-h", ",".join(self._addresses), *settings],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._home, **self._account,  # type: ignore[call-overload]
        )  # fmt: skip
        engine = sa.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
        deadline = time.monotonic() + 60
        while True:
            try:
                with engine.connect():
                    return
            except sa.exc.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        """As a crash does: connections are cut, nothing is tidied up."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=60)

    def restart(self, *options: str) -> None:
        """In an orderly way; see `start`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=600)
        self.start(*options)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._folder.cleanup()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._home, timeout=60,
            **self._account,  # type: ignore[call-overload]
        )  # fmt: skip
