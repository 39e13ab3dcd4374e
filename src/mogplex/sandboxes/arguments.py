"""The command line of bubblewrap for one sandbox.

Options go through `--args FD`, because the sandbox's first process shows its command line to the programs inside.
"""

from __future__ import annotations

import os
import posixpath
import resource
import signal
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import HOST_IMAGE, Limits, Mount, SandboxSpec
from mogplex.sandboxes.runner import Runner

HOME = "/home/agent"
HOSTNAME = "run"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
SHARED_MEMORY_BYTES = 64 * 1024**2  # /dev/shm
RUN_BYTES = 64 * 1024**2  # /run
HOME_BYTES = 256 * 1024**2
PRLIMIT = "/usr/bin/prlimit"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

# Folders of the root that are links into /usr on a merged-usr system, and folders of their own elsewhere.
SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# What programs need of /etc. Never the whole: it holds shadow, machine-id and the server's own settings.
SYSTEM_FILES = (
    "ssl",
    "ca-certificates",
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "services",
    "protocols",
    "terminfo",
    "os-release",
)


def build_files(runner: Runner) -> dict[str, bytes]:
    """The three synthetic files of /etc: one user, itself the only host."""
    uid, gid = runner.uid, runner.gid
    shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"  # agents take the user's, and write bash
    return {
        "/etc/passwd": f"agent:x:{uid}:{gid}::{HOME}:{shell}\nnobody:x:65534:65534::/nonexistent:/bin/false\n".encode(),
        "/etc/group": f"agent:x:{gid}:\nnogroup:x:65534:\n".encode(),
        "/etc/hosts": f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost\n".encode(),
    }


def build_options(
    spec: SandboxSpec,
    runner: Runner,
    toolchains: Iterable[Path],
    files: Mapping[str, int],
    descriptors: Mapping[str, int],
) -> bytes:
    """All of bwrap's options, NUL-separated.

    `files` maps a target to the descriptor its content is read from; `descriptors` has "seccomp", "status", "block".
    Raises SandboxError when the spec holds something that cannot be expressed.
    """
    options = [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--unshare-net", "--disable-userns", "--uid", str(runner.uid), "--gid", str(runner.gid)),
        *("--hostname", HOSTNAME, "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *_system_options(toolchains, files),
        *("--proc", "/proc", "--dev", "/dev"),
        *_scratch_options("/tmp", spec.limits.tmp_bytes, "1777"),
        *("--remount-ro", "/dev"),  # bwrap makes it a tmpfs without a size
        *_scratch_options("/dev/shm", SHARED_MEMORY_BYTES, "1777"),
        *_scratch_options("/run", RUN_BYTES, "0755"),
        *_scratch_options(HOME, HOME_BYTES, "0700"),
    ]
    for mount in spec.mounts:
        options += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]
    options += ["--remount-ro", "/", "--chdir", spec.directory]
    for name, value in build_environment(spec).items():
        options += ["--setenv", name, value]
    options += ["--seccomp", str(descriptors["seccomp"])]
    options += ["--json-status-fd", str(descriptors["status"]), "--block-fd", str(descriptors["block"])]
    for option in options:
        if "\0" in option:
            raise SandboxError(f"Sandbox {spec.name!r}: a NUL byte in {option!r}; remove it.")
    return b"".join(os.fsencode(option) + b"\0" for option in options)


def _system_options(toolchains: Iterable[Path], files: Mapping[str, int]) -> list[str]:
    options = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM_FOLDERS:
        folder = Path("/", name)
        if folder.is_symlink():
            options += ["--symlink", str(folder.readlink()).lstrip("/"), str(folder)]
        elif folder.is_dir():
            options += ["--ro-bind", str(folder), str(folder)]
    for name in SYSTEM_FILES:
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for target, descriptor in files.items():
        options += ["--ro-bind-data", str(descriptor), target]
    for toolchain in toolchains:
        options += ["--ro-bind", str(toolchain), str(toolchain)]
    return options


def _scratch_options(target: str, size_bytes: int, mode: str) -> list[str]:
    return ["--size", str(size_bytes), "--perms", mode, "--tmpfs", target]


def build_environment(spec: SandboxSpec) -> dict[str, str]:
    """All that the command gets (bwrap adds PWD). What the spec gives wins over the four defaults."""
    path = ":".join((*spec.path, SYSTEM_PATH))
    return {"PATH": path, "HOME": HOME, "TMPDIR": "/tmp", "LANG": "C.UTF-8", **spec.environment}


def build_command(spec: SandboxSpec, memory_by_rlimit: bool) -> list[str]:
    """The spec's command behind prlimit(1), which sets the limits from inside the sandbox's user namespace.

    Only there is the count of processes kept per sandbox: set outside, all sandboxes of the runner would share it.
    """
    return [PRLIMIT, *build_limits(spec.limits, memory_by_rlimit), "--", *_reset_signals(), *spec.argv]


def _reset_signals() -> list[str]:
    """A worker started in the background of a script ignores SIGINT, and its children would inherit that."""
    ignored = [number for number in _STOP_SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    return ["/usr/bin/env", f"--default-signal={','.join(number.name for number in ignored)}"] if ignored else []


def build_limits(limits: Limits, memory_by_rlimit: bool) -> list[str]:
    """Options for prlimit(1). RLIMIT_DATA stands in for a memory limit; RLIMIT_AS would break node."""
    wanted: Sequence[tuple[str, int, int]] = (
        ("--nproc", limits.processes, resource.RLIMIT_NPROC),
        ("--nofile", limits.open_files, resource.RLIMIT_NOFILE),
        ("--fsize", limits.file_bytes, resource.RLIMIT_FSIZE),
        ("--core", 0, resource.RLIMIT_CORE),
        *([("--data", limits.memory_bytes, resource.RLIMIT_DATA)] if memory_by_rlimit else []),
    )
    options = []
    for option, value, which in wanted:
        ceiling = resource.getrlimit(which)[1]  # raising a hard limit needs a capability: stay under ours
        options.append(f"{option}={value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)}")
    return options


def check_spec(spec: SandboxSpec) -> None:
    """Raises SandboxError for an empty command, or a mount that is not absolute, not plain, or has no source."""
    if not spec.argv:
        raise SandboxError(f"Sandbox {spec.name!r}: the command is empty.")
    for mount in spec.mounts:
        _check_target(spec.name, mount)
        if not mount.source.is_absolute():
            raise SandboxError(f"Sandbox {spec.name!r}: mount source {str(mount.source)!r} is not an absolute path.")
        if not mount.source.exists():
            raise SandboxError(f"Sandbox {spec.name!r}: mount source {str(mount.source)!r} does not exist.")


def refuse_image(spec: SandboxSpec, driver: str) -> None:
    """Raises SandboxError for a spec that names an image, in a driver that has none."""
    if spec.image not in ("", HOST_IMAGE):
        raise SandboxError(
            f"Sandbox {spec.name!r} is to run in the image {spec.image!r}, and the driver {driver} has no images: "
            "start the server with MOGPLEX_SANDBOX=container, or take `image` out of the repo's settings."
        )


def _check_target(name: str, mount: Mount) -> None:
    target = mount.target
    if not target.startswith("/") or target.startswith("//") or target == "/" or posixpath.normpath(target) != target:
        raise SandboxError(f"Sandbox {name!r}: mount target {target!r} must be an absolute, plain path below '/'.")
    if target.split("/")[1] in {"proc", "dev", "sys"}:
        raise SandboxError(f"Sandbox {name!r}: mount target {target!r} would hide a kernel file system.")
