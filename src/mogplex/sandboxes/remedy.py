"""What to type when a driver cannot make a sandbox here."""

from __future__ import annotations

from pathlib import Path

_INSTALL = "apt-get install bubblewrap util-linux"


def explain_failure(said: str) -> tuple[str, str | None]:
    """What went wrong in our words, and the likely remedy, from the message of a failed start."""
    if "command not found" in said:
        missing = "prlimit" if "prlimit" in said else "bubblewrap"
        return f"{missing} is not installed", _INSTALL
    if "user.max_user_namespaces" in said or "max_*_namespaces exceeded" in said or "ENOSPC" in said:
        return f"user namespaces are switched off: {said}", "sysctl -w user.max_user_namespaces=15000"
    if "No permissions to creat" in said or "setting up uid map" in said or "loopback" in said:
        return f"user namespaces are not permitted: {said}", _namespace_remedy()
    if "Can't mount proc" in said:
        return (
            f"/proc cannot be mounted: {said}",
            "inside a container, start it with --security-opt systempaths=unconfined (docker) or --privileged",
        )
    return said, None


def explain_container_failure(engine: str, said: str) -> tuple[str, str | None]:
    """As `explain_failure`, for podman and docker."""
    packages = {"podman": "apt-get install podman runc catatonit", "docker": "apt-get install docker.io catatonit"}
    if "command not found" in said:
        missing = "a first process for containers (catatonit)" if "catatonit" in said else engine
        return f"{missing} is not installed", packages[engine]
    if "hybrid" in said:
        return f"crun can't work with this machine's control groups: {said}", "apt-get install runc"
    if "permission denied" in said.lower() and engine == "docker":
        return f"docker's daemon is closed to this user: {said}", "usermod -aG docker USER, and log in again"
    if "Cannot connect to the Docker daemon" in said or "docker daemon running" in said:
        return f"docker's daemon does not answer: {said}", "systemctl start docker, or set DOCKER_HOST"
    if "subuid" in said or "newuidmap" in said:
        remedy = "apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"
        return f"podman lacks a range of user ids: {said}", remedy
    return said, None


def _namespace_remedy() -> str:
    if _read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "Ubuntu 23.10 and later restrict user namespaces by AppArmor: sysctl -w "
            "kernel.apparmor_restrict_unprivileged_userns=0, or install a profile for /usr/bin/bwrap"
        )
    if _read("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return "sysctl -w kernel.unprivileged_userns_clone=1"
    if _read("/proc/sys/user/max_user_namespaces") == "0":
        return "sysctl -w user.max_user_namespaces=15000"
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return "inside a container, start it with --security-opt seccomp=unconfined --cap-add SYS_ADMIN or --privileged"
    return "allow user namespaces for this user (kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor)"


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
