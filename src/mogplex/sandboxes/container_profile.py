"""The system calls that programs in a container may not make, in the JSON that podman and docker read.

The same lists as for bubblewrap, by name instead of by number, and new namespaces besides: bubblewrap switches those
off by itself.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable
from typing import Any

from mogplex.sandboxes.seccomp import SOCKET_FAMILIES, TERMINAL_REQUESTS
from mogplex.sandboxes.syscalls import DENIED, MISSING

# CLONE_NEW* of <linux/sched.h>: mount, cgroup, uts, ipc, user, pid, net.
_NAMESPACE_FLAGS = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_LOW_WORD = 0xFFFFFFFF  # the kernel reads some arguments as 32 bits, and a program may set the others


def build_profile() -> str:
    """Everything is allowed but a list, as JSON."""
    rules = [
        _refuse(DENIED, errno.EPERM),
        # Its flags lie in memory, where no filter sees them. Programs then fall back to clone.
        _refuse((*MISSING, "clone3"), errno.ENOSYS),
        *(_refuse(("clone", "unshare"), errno.EPERM, _masked(0, flag, flag)) for flag in _NAMESPACE_FLAGS),
        *(_refuse(("ioctl",), errno.EPERM, _masked(1, _LOW_WORD, request)) for request in TERMINAL_REQUESTS.values()),
        *_refuse_families(),
    ]
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})


def _refuse_families() -> Iterable[dict[str, Any]]:
    """All socket families but the allowed ones. A set high bit makes a number greater than all of them."""
    names, last = ("socket", "socketpair"), max(SOCKET_FAMILIES.values())
    for family in sorted(set(range(last)) - set(SOCKET_FAMILIES.values())):
        yield _refuse(names, errno.EAFNOSUPPORT, {"index": 0, "value": family, "op": "SCMP_CMP_EQ"})
    yield _refuse(names, errno.EAFNOSUPPORT, {"index": 0, "value": last, "op": "SCMP_CMP_GT"})


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _refuse(names: Iterable[str], error: int, *arguments: dict[str, Any]) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": error, "args": list(arguments)}
