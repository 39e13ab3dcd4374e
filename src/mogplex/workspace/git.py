"""One way to run git: fixed environment, bounded time and output, nothing left running, no secrets in errors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.ssh_key import SSH_COMMAND, offer_key

GIT = "/usr/bin/git"
STDERR_BYTES = 64 * 1024  # kept from the end
_CHUNK_BYTES = 256 * 1024
_DRAIN_SECONDS = 5.0
_CREDENTIALS = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s]+@")
# Terminal escapes and other control characters would let a remote's message draw on the operator's terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# Nothing that a repo brings along may name a program: no hooks, no monitor, no filters, no helper protocols.
_FIXED_OPTIONS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.attributesFile=/dev/null",
    "-c", "core.excludesFile=/dev/null",
    "-c", "protocol.ext.allow=never",
    "-c", "submodule.recurse=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
)  # fmt: skip

# Ownership is not what protects us (the options above do), and an operator's repo often belongs to somebody else.
_GLOBAL_CONFIG = "[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n"


@dataclass(frozen=True, slots=True)
class Output:
    """What a git command printed. `stderr` is the last 64 KiB, cleaned."""

    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """stdout without its last newline; bytes that are not UTF-8 survive as surrogates."""
        return os.fsdecode(self.stdout).removesuffix("\n")


class GitError(WorkspaceError):
    """A git command failed, ran too long or printed too much. `exit_code` is None when we ended it."""

    def __init__(self, message: str, exit_code: int | None, stdout: bytes = b"", stderr: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr


def clean_text(text: str) -> str:
    """`text` without credentials in URLs and without control characters other than tab and newline."""
    return _CONTROL.sub("", _CREDENTIALS.sub(r"\1", text))


def last_lines(text: str, count: int = 5, length: int = 1000) -> str:
    """The last lines that say something, on one line, at most `length` characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[-count:])[-length:]


class Git:
    """Runs git as `uid`/`gid`, or as this process's own user when they are None.

    `home` is a folder of ours that holds the one configuration file git reads. `extra_environment` is for what
    the operator's network needs (SSH_AUTH_SOCK, https_proxy, SSL_CERT_FILE): nothing else is inherited.
    """

    def __init__(
        self,
        home: Path,
        uid: int | None = None,
        gid: int | None = None,
        extra_environment: Mapping[str, str] | None = None,
    ) -> None:
        self.uid = None if uid == os.geteuid() else uid
        self.gid = gid if self.uid is not None else None
        self._config = home / "gitconfig"
        self._environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_GLOBAL": str(self._config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_SSH_COMMAND": SSH_COMMAND,
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_NO_REPLACE_OBJECTS": "1",
            **(extra_environment or {}),
        }

    def prepare(self) -> None:
        """Write the configuration file git is given; safe to call by many processes at once."""
        draft = self._config.with_name(f"gitconfig.{os.getpid()}")
        draft.write_text(_GLOBAL_CONFIG)
        draft.chmod(0o644)
        draft.rename(self._config)

    async def run(
        self,
        *arguments: str,
        git_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes | AsyncIterable[bytes] = b"",
        output_bytes: int = 16 * 1024 * 1024,
        timeout_seconds: float = 120.0,
        memory_bytes: int | None = None,
        held_fds: tuple[int, ...] = (),
        ssh_key: str | None = None,
    ) -> Output:
        """Run one command to its end.

        `ssh_key` is a private key that ssh shows to the remote.
        `held_fds` are inherited by git, so that a lock outlives this process as long as git runs.
        `memory_bytes` caps the data segment of git itself: use it where git unpacks what an agent sent.

        Raises:
            GitError: exit code not 0, over `timeout_seconds`, or over `output_bytes` on stdout.
        """
        with offer_key(ssh_key) as offered:
            process = await self._start(arguments, git_dir, {**(environment or {}), **offered}, held_fds)
            finished = False
            try:
                if memory_bytes is not None:
                    _cap_memory(process.pid, memory_bytes)
                async with asyncio.timeout(timeout_seconds):
                    stdout, stderr, exit_code = await _converse(process, stdin, output_bytes)
                finished = True
            except TimeoutError:
                said = f"git {arguments[0]} took longer than {timeout_seconds:g} s and was ended"
                raise GitError(said, None) from None
            finally:
                if not finished:
                    await _end_group(process)
        cleaned = clean_text(stderr.decode("utf-8", "replace"))
        if exit_code != 0:
            said = last_lines(cleaned) or f"exit code {exit_code}"
            raise GitError(f"git {arguments[0]} failed: {said}", exit_code, stdout, cleaned)
        return Output(stdout, cleaned)

    async def _start(
        self,
        arguments: tuple[str, ...],
        git_dir: Path | None,
        environment: Mapping[str, str],
        held_fds: tuple[int, ...],
    ) -> Process:
        everything = {**self._environment, **environment}
        if git_dir is not None:
            everything["GIT_DIR"] = str(git_dir)
        command = (GIT, *_FIXED_OPTIONS, *arguments)
        # A group of its own: ssh, upload-pack and remote helpers end together with git.
        if self.uid is None:
            spawning = asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=everything, cwd="/", umask=0o022,
                start_new_session=True, pass_fds=held_fds,
            )  # fmt: skip
        else:
            spawning = asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=everything, cwd="/", umask=0o022,
                start_new_session=True, pass_fds=held_fds, user=self.uid, group=self.gid, extra_groups=[],
            )  # fmt: skip
        started = asyncio.ensure_future(spawning)
        try:
            return await asyncio.shield(started)
        except asyncio.CancelledError:
            # Cancelled while it was being started, asyncio would end git alone; what git started would stay.
            await _end_group(await started)
            raise


async def _converse(
    process: Process, stdin: bytes | AsyncIterable[bytes], output_bytes: int
) -> tuple[bytes, bytes, int]:
    """Feed, drain both streams, wait. Returns (stdout, end of stderr, exit code)."""
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_feed(process.stdin, stdin))
            stdout = tasks.create_task(_read_all(process.stdout, output_bytes))
            stderr = tasks.create_task(_read_end(process.stderr, STDERR_BYTES))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return stdout.result(), stderr.result(), await process.wait()


async def _feed(writer: asyncio.StreamWriter, stdin: bytes | AsyncIterable[bytes]) -> None:
    try:
        if isinstance(stdin, bytes):
            writer.write(stdin)
            await writer.drain()
        else:
            async for chunk in stdin:
                writer.write(chunk)
                await writer.drain()
        writer.close()
        await writer.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        writer.close()  # git stopped reading; its exit code and stderr say why


async def _read_all(reader: asyncio.StreamReader, limit_bytes: int) -> bytes:
    kept = bytearray()
    while chunk := await reader.read(_CHUNK_BYTES):
        kept += chunk
        if len(kept) > limit_bytes:
            raise GitError(f"git printed more than {limit_bytes} bytes and was ended", None, bytes(kept[:limit_bytes]))
    return bytes(kept)


async def _read_end(reader: asyncio.StreamReader, limit_bytes: int) -> bytes:
    kept = b""
    while chunk := await reader.read(_CHUNK_BYTES):
        kept = (kept + chunk)[-limit_bytes:] if limit_bytes else b""
    return kept


def _cap_memory(pid: int, memory_bytes: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    except ProcessLookupError:
        return  # already gone: a quick command needs no cap


async def _end_group(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # everything had ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    # asyncio waits for the pipes as well as for the process. Their readers were cancelled, so drain them; a program
    # that left the group (a remote's hook that became a daemon) may hold them open, and isn't waited for.
    assert process.stdout is not None and process.stderr is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            await asyncio.gather(_read_end(process.stdout, 0), _read_end(process.stderr, 0), process.wait())
