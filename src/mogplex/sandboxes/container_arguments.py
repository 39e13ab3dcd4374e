"""The command line of podman and docker for one container, and the script that its first shell reads at the gate."""

from __future__ import annotations

import io
import resource
import shlex
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits, SandboxSpec
from mogplex.sandboxes.arguments import (
    HOME,
    HOSTNAME,
    RUN_BYTES,
    SHARED_MEMORY_BYTES,
    SYSTEM_FILES,
    SYSTEM_FOLDERS,
    build_environment,
    check_spec,
)
from mogplex.sandboxes.container_engine import ContainerEngine, EngineFacts
from mogplex.sandboxes.container_room import GATE, SHARED, ContainerRoom
from mogplex.sandboxes.runner import Runner

LABEL = "io.mogplex.worker"
EMPTY_IMAGE = "mogplex-host:2"  # raise its number when what is in it changes
MAX_ARGUMENT_BYTES = 128 * 1024 - 1  # of one argument or variable, by the kernel
_INITS = ("catatonit", "docker-init", "tini-static", "tini")
_INIT_FOLDERS = ("/usr/bin", "/usr/local/bin", "/usr/libexec/podman", "/usr/libexec/docker")


def build_run(
    spec: SandboxSpec,
    engine: ContainerEngine,
    facts: EngineFacts,
    runner: Runner,
    room: ContainerRoom,
    image: str,
    toolchains: Iterable[Path],
    worker: str,
) -> list[str]:
    """Arguments of `run` for a container that comes to its gate and waits. `image` "" is this machine's own /usr.

    Raises SandboxError for a path that can't be written on such a command line.
    """
    scratch = {"/tmp": spec.limits.tmp_bytes, "/run": RUN_BYTES}
    limits = spec.limits
    arguments = [
        *("run", "--detach", "--name", room.folder.name, "--label", f"{LABEL}={worker}", "--pull", "never"),
        *("--network", "none", "--hostname", HOSTNAME, "--restart", "no", "--log-driver", "none"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--security-opt", f"seccomp={room.profile}", "--user", f"{runner.uid}:{runner.gid}", "--read-only"),
        *(["--read-only-tmpfs=false", "--no-hosts", "--pidfile", str(room.pidfile)] if engine.is_podman else []),
        *(["--userns", "keep-id"] if engine.is_podman and facts.rootless else []),
        *("--shm-size", str(SHARED_MEMORY_BYTES)),
        *_limit(limits, facts),
    ]
    for target, size_bytes in scratch.items():
        arguments += ["--tmpfs", f"{target}:size={size_bytes},mode=1777"]
    arguments += ["--tmpfs", "/sys:size=4k,mode=0555"]  # what the kernel tells of the machine is nobody's business
    flags = ",nosuid,nodev" if engine.is_podman else ""  # docker knows no such words; set-uid has no effect anyway
    mounts = [] if image else _show_host(room)
    mounts += [(room.etc / "hosts", "/etc/hosts", False), (room.shared, SHARED, False), (room.home, HOME, True)]
    mounts += [(folder, str(folder), False) for folder in toolchains]
    mounts += [(mount.source, mount.target, mount.writable) for mount in spec.mounts]
    for source, target, writable in mounts:
        if ":" in f"{source}{target}":
            raise SandboxError(f"Sandbox {spec.name!r}: {engine.name} can't mount a path with a colon: {source}.")
        arguments += ["--volume", f"{source}:{target}:{'rw' if writable else 'ro'}{flags}"]
    return [*arguments, "--entrypoint", f"{SHARED}/init", image or EMPTY_IMAGE, "--", "/bin/sh", "-c", GATE]


def _show_host(room: ContainerRoom) -> list[tuple[Path, str, bool]]:
    """What bubblewrap shows of this machine too."""
    shown = [(Path("/usr"), "/usr", False)]
    for name in SYSTEM_FOLDERS:
        if (folder := Path("/", name)).is_dir() and not folder.is_symlink():
            shown.append((folder, str(folder), False))
    shown += [(path, str(path), False) for name in SYSTEM_FILES if (path := Path("/etc", name)).exists()]
    return shown + [(room.etc / name, f"/etc/{name}", False) for name in ("passwd", "group")]


def _limit(limits: Limits, facts: EngineFacts) -> list[str]:
    """Without control groups, memory is held for each process, and processes are counted per user namespace."""
    wanted = [("nofile", limits.open_files, resource.RLIMIT_NOFILE), ("core", 0, resource.RLIMIT_CORE)]
    wanted += [("fsize", limits.file_bytes, resource.RLIMIT_FSIZE)]
    options: list[str] = []
    if facts.limits:
        options += ["--pids-limit", str(limits.processes), "--memory", str(limits.memory_bytes)]
        options += ["--memory-swap", str(limits.memory_bytes)]
        if limits.cpu_cores is not None:
            options += ["--cpus", f"{limits.cpu_cores:g}"]
        # That counts all processes of the runner, in whatever container: as many as there can be, which is also as far
        # as podman lets its own limit go.
        wanted += [("nproc", int(Path("/proc/sys/kernel/pid_max").read_text()), resource.RLIMIT_NPROC)]
    else:
        wanted += [("nproc", limits.processes, resource.RLIMIT_NPROC)]
        wanted += [("data", limits.memory_bytes, resource.RLIMIT_DATA)]
    for name, value, which in wanted:
        ceiling = resource.getrlimit(which)[1]  # raising a hard limit needs a capability: stay under ours
        value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        options += ["--ulimit", f"{name}={value}:{value}"]
    return options


def build_script(spec: SandboxSpec) -> bytes:
    """What the shell at the gate runs: the command with its environment and nothing else. Read as a whole or not."""
    variables = [f"{name}={value}" for name, value in build_environment(spec).items()]
    command = shlex.join(["/usr/bin/env", "-i", *variables, *spec.argv])
    return f"{{ cd -- {shlex.quote(spec.directory)} && exec {command}\n}}\n".encode("utf-8", "surrogateescape")


def check_container(spec: SandboxSpec) -> None:
    """As `check_spec`, and what the kernel would refuse when the container is there already. Raises SandboxError."""
    check_spec(spec)
    for name, value in spec.environment.items():
        if not name or "=" in name:
            raise SandboxError(f"Sandbox {spec.name!r}: {name!r} can't be the name of a variable.")
        _check_text(spec.name, f"{name}={value}")
    for argument in (*spec.argv, spec.directory):
        _check_text(spec.name, argument)
    if "=" in spec.argv[0]:
        raise SandboxError(f"Sandbox {spec.name!r}: a program can't be called {spec.argv[0]!r} in a container.")


def _check_text(name: str, text: str) -> None:
    if "\0" in text:
        raise SandboxError(f"Sandbox {name!r}: a NUL byte in {text[:80]!r}; remove it.")
    if len(text.encode("utf-8", "surrogateescape")) > MAX_ARGUMENT_BYTES:
        raise SandboxError(f"Sandbox {name!r}: an argument or variable is longer than {MAX_ARGUMENT_BYTES:,} bytes.")


def find_init() -> Path:
    """A first process that reaps orphans. Raises SandboxError when none is installed."""
    for name in _INITS:
        found = shutil.which(name) or next(
            (f"{folder}/{name}" for folder in _INIT_FOLDERS if Path(folder, name).exists()), None
        )
        if found:
            return Path(found)
    raise SandboxError("catatonit: command not found")


def build_host_image() -> bytes:
    """A tar of empty folders, into which this machine's /usr is mounted."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folders: Mapping[str, int] = {
            **dict.fromkeys(("usr", "etc", "proc", "sys", "dev", "home", "work", "repo", "opt"), 0o755),
            **dict.fromkeys(("tmp", "run", "home/agent"), 0o1777),  # runc gives a tmpfs the mode of what is below it
        }
        for name, mode in folders.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for name in SYSTEM_FOLDERS:
            folder = Path("/", name)
            if folder.is_symlink():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, str(folder.readlink()).lstrip("/")
                tar.addfile(link)
    return buffer.getvalue()
