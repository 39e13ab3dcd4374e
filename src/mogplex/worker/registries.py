"""Which hosts a setup may reach: those that the installers use by themselves, and those of the operator's mirrors.

No host is written down here. The installers of this machine are asked for their defaults, once, as a sandbox sees them:
without anybody's configuration files.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20.0
# Program -> what to ask this machine. Cargo doesn't tell its default: name its hosts in MOGPLEX_SETUP_HOSTS.
QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "python3": (
        sys.executable, "-I", "-c",
        "from pip._internal.models.index import PyPI as index; print(index.url, index.file_storage_domain)",
    ),
    "npm": ("npm", "config", "get", "registry"),
    "go": ("go", "env", "GOPROXY", "GOSUMDB"),
    "bundle": ("gem", "sources", "--list"),
}  # fmt: skip
# Who asks whose registry.
_SAME_AS = {"uv": "python3", "pnpm": "npm"}
_PATH = "/usr/local/bin:/usr/bin:/bin"
_URL = re.compile(r"[a-z][a-z+]*://(?:[^\s/@]*@)?([A-Za-z0-9.-]+(?::\d+)?)")
_BARE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}\Z")


class Registries:
    """`hosts`: given by the operator instead of the installers' defaults; None asks the installers. `variables`: the
    operator's own, passed on to setups; the hosts of the URLs in them are allowed too."""

    def __init__(self, hosts: tuple[str, ...] | None, variables: Mapping[str, str]) -> None:
        self.variables = dict(variables)
        self._given = hosts
        self._mirrors = {host for value in variables.values() for host in find_hosts(value, bare=False)}
        self._answers: dict[str, frozenset[str]] = {}

    async def hosts_for(self, tools: Iterable[str]) -> frozenset[str]:
        """The hosts that the setup programs `tools` need."""
        if self._given is not None:
            return frozenset(self._given) | self._mirrors
        asked = {_SAME_AS.get(tool, tool) for tool in tools} & set(QUESTIONS)
        answers = await asyncio.gather(*(self._ask(tool) for tool in sorted(asked)))
        return frozenset(self._mirrors).union(*answers)

    async def _ask(self, tool: str) -> frozenset[str]:
        if tool not in self._answers:
            self._answers[tool] = find_hosts(await _run(QUESTIONS[tool], self.variables), bare=True)
            log.info("setups with %s may reach %s", tool, ", ".join(sorted(self._answers[tool])) or "no host")
        return self._answers[tool]


def find_hosts(text: str, *, bare: bool) -> frozenset[str]:
    """The hosts, or HOST:PORT, of the URLs in `text`; with `bare` also of words that look like a host by themselves."""
    found = set(_URL.findall(text))
    if bare:
        found |= {word for word in re.split(r"[\s,|]+", text) if _BARE.match(word)}
    return frozenset(host.lower() for host in found)


async def _run(command: tuple[str, ...], variables: Mapping[str, str]) -> str:
    """What it prints; nothing when it isn't there or fails, which the setup will then say in its own words."""
    environment = {**variables, "PATH": _PATH, "HOME": "/nonexistent", "LC_ALL": "C", "GOENV": "off"}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd="/",
        )
    except OSError:
        return ""
    try:
        said, _ = await asyncio.wait_for(process.communicate(), ANSWER_SECONDS)
        return said.decode("utf-8", "replace") if process.returncode == 0 else ""
    except TimeoutError:
        log.warning("%s did not answer within %g s", command[0], ANSWER_SECONDS)
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
