"""The system calls that programs in a sandbox may not make, as a classic BPF program for `bwrap --seccomp`.

Everything is allowed but a list. Most of it needs capabilities the sandbox does not have anyway; the filter keeps the
kernel code behind it out of reach. Two entries close real holes: AF_VSOCK is not confined by a network namespace and
reaches the hypervisor's host, and TIOCSTI types into the terminal of whoever started the worker.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from mogplex.domain.errors import SandboxError
from mogplex.sandboxes.syscalls import AARCH64, DENIED, MISSING, X86_64


@dataclass(frozen=True, slots=True)
class Machine:
    """One processor architecture: its audit number, its system-call numbers, its second (x32) number range if any."""

    audit_arch: int
    syscalls: Mapping[str, int]
    foreign_bit: int | None


MACHINES = {
    "x86_64": Machine(0xC000003E, X86_64, foreign_bit=0x40000000),
    "aarch64": Machine(0xC00000B7, AARCH64, foreign_bit=None),
}

SOCKET_FAMILIES = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16}
TERMINAL_REQUESTS = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}

# Opcodes of classic BPF: load a 32-bit word of struct seccomp_data, jump if equal / any bit set, return.
_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
# Offsets in struct seccomp_data. The kernel reads `family` and `request` as 32 bits, so only the low words count
# (both architectures are little-endian).
_NUMBER, _ARCH, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24


def _encode(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _encode(_RETURN, _ERRNO | number)


def _refuse_calls(numbers: list[int], error: int) -> bytes:
    """If the loaded number is one of `numbers`, return `error`, else go on behind this block."""
    lines = [_encode(_JUMP_EQUAL, number, len(numbers) - index) for index, number in enumerate(numbers)]
    # Falling out of the list jumps over the refusal; the list's own hits land on it.
    return b"".join(lines) + _encode(_JUMP_EQUAL, 0xFFFFFFFF, 0, 1) + _refuse(error)


def _check_families(number: int) -> bytes:
    """For system call `number`: allow the listed socket families, refuse all others."""
    families = sorted(SOCKET_FAMILIES.values())
    tests = [_encode(_JUMP_EQUAL, family, len(families) - index) for index, family in enumerate(families)]
    body = _encode(_LOAD, _ARGUMENT_0) + b"".join(tests) + _refuse(errno.EAFNOSUPPORT) + _encode(_RETURN, _ALLOW)
    return _encode(_JUMP_EQUAL, number, 0, len(body) // 8) + body


def _check_requests(number: int) -> bytes:
    """For system call `number` (ioctl): refuse the listed requests, allow all others."""
    requests = sorted(TERMINAL_REQUESTS.values())
    tests = [_encode(_JUMP_EQUAL, request, len(requests) - index) for index, request in enumerate(requests)]
    body = _encode(_LOAD, _ARGUMENT_1) + b"".join(tests) + _encode(_RETURN, _ALLOW) + _refuse(errno.EPERM)
    return _encode(_JUMP_EQUAL, number, 0, len(body) // 8) + body


def build_filter(architecture: str | None = None) -> bytes:
    """The program as 8-byte instructions, for this machine unless another one is named.

    Raises SandboxError for an architecture without a table: running without a filter is never a fallback.
    """
    architecture = architecture or platform.machine()
    machine = MACHINES.get(architecture)
    if machine is None:
        raise SandboxError(
            f"No system-call table for the processor architecture {architecture!r}; "
            f"supported: {', '.join(sorted(MACHINES))}. Use the container driver on this machine."
        )
    program = _encode(_LOAD, _ARCH)
    program += _encode(_JUMP_EQUAL, machine.audit_arch, 1, 0) + _encode(_RETURN, _KILL_PROCESS)
    program += _encode(_LOAD, _NUMBER)
    if machine.foreign_bit is not None:
        program += _encode(_JUMP_SET, machine.foreign_bit, 0, 1) + _refuse(errno.ENOSYS)
    program += _refuse_calls([machine.syscalls[name] for name in MISSING if name in machine.syscalls], errno.ENOSYS)
    program += _refuse_calls([machine.syscalls[name] for name in DENIED if name in machine.syscalls], errno.EPERM)
    for name in ("socket", "socketpair"):
        program += _check_families(machine.syscalls[name])
    program += _check_requests(machine.syscalls["ioctl"])
    return program + _encode(_RETURN, _ALLOW)
