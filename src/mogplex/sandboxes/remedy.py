"""What to type when bubblewrap cannot make a sandbox here."""

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
