"""Run by a Python that has Mogplex installed, not this checkout: everything that a wheel must bring is asked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import mogplex

PAGES = ("/healthz", "/openapi.json", "/sign-in", "/docs")
ASSET = re.compile(r'(?:href|src)="(/[^"]+\.(?:css|js)[^"]*)"')
PATIENCE_SECONDS = 90


def main() -> int:
    """0 once a server from the installed package has answered; it is stopped again."""
    here = Path(__file__).resolve().parent.parent
    package = Path(mogplex.__file__).resolve().parent
    if here in package.parents:
        print(f"try: {package} is the checkout, not an installation", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "mogplex"]
    with tempfile.TemporaryDirectory(prefix="mogplex-installed-") as folder:
        home = Path(folder, "home")
        known = {name: value for name, value in os.environ.items() if not name.startswith(("MOGPLEX_", "PYTHONPATH"))}
        environment = {**known, "MOGPLEX_HOME": str(home)}
        log = Path(folder, "log")
        with log.open("wb") as sink:
            server = subprocess.Popen(
                [*command, "serve", "--port", "0"],
                cwd=folder, env=environment, stdout=sink, stderr=sink,
            )  # fmt: skip
        try:
            url = wait_for_url(server, home, log)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            pages = [opener.open(url + page, timeout=30).read().decode() for page in PAGES]
            assets = {each for page in pages for each in ASSET.findall(page)}
            for asset in assets:
                opener.open(url + asset, timeout=30).read()
            if not assets:
                raise OSError("the pages name no style and no script")
            listed = subprocess.run(
                [*command, "harnesses", "list", "--json"],
                cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as fault:
            print(log.read_text(encoding="utf-8", errors="replace")[-3000:], file=sys.stderr)
            print(f"try: {fault} {getattr(fault, 'stderr', '')}", file=sys.stderr)
            return 1
        finally:
            server.terminate()
            server.wait(60)
    names = [json.loads(line)["name"] for line in listed.stdout.splitlines()]
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"try: Python {version}: mogplex {mogplex.__version__} serves, with the harnesses {', '.join(names)}")
    return 0


def wait_for_url(server: subprocess.Popen[bytes], home: Path, log: Path) -> str:
    """The server's URL: its first start writes it down with the first key."""
    auth, until = home / "auth.json", time.monotonic() + PATIENCE_SECONDS
    while not auth.exists():
        if server.poll() is not None:
            raise OSError(f"the server ended with {server.returncode}")
        if time.monotonic() > until:
            raise OSError(f"no server within {PATIENCE_SECONDS} s")
        time.sleep(0.1)
    url = str(json.loads(auth.read_text(encoding="utf-8"))["url"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(f"{url}/healthz", timeout=5).read()
            return url
        except OSError:
            if server.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
