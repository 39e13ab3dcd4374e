"""The filter, played by a small interpreter: so that the table of the other architecture is checked as well."""

from __future__ import annotations

import errno
import struct

import pytest

from mogplex.domain.errors import SandboxError
from mogplex.sandboxes.seccomp import MACHINES, build_filter
from mogplex.sandboxes.syscalls import AARCH64, DENIED, MISSING, X86_64

ALLOW, KILL = 0x7FFF0000, 0x80000000


def decide(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """What the kernel would return for one system call."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    lines = list(struct.iter_unpack("<HBBI", program))
    at = accumulator = 0
    while True:
        code, if_true, if_false, value = lines[at]
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x15:
            at += if_true if accumulator == value else if_false
        elif code == 0x45:
            at += if_true if accumulator & value else if_false
        else:
            assert code == 0x06
            return int(value)


def refused(error: int) -> int:
    return 0x00050000 | error


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_number_gets_the_answer_of_its_name(machine: str) -> None:
    program, table = build_filter(machine), MACHINES[machine].syscalls
    arch = MACHINES[machine].audit_arch
    special = {table[name]: refused(errno.EPERM) for name in DENIED if name in table}
    special |= {table[name]: refused(errno.ENOSYS) for name in MISSING}
    special |= {table[name]: refused(errno.EAFNOSUPPORT) for name in ("socket", "socketpair")}  # family 0
    for number in range(600):
        assert decide(program, arch, number) == special.get(number, ALLOW), number


@pytest.mark.parametrize(
    ("family", "allowed"), [(1, True), (2, True), (10, True), (16, True), (40, False), (17, False)]
)
@pytest.mark.parametrize("name", ["socket", "socketpair"])
def test_socket_families(machine: str, name: str, family: int, allowed: bool) -> None:
    number, arch = MACHINES[machine].syscalls[name], MACHINES[machine].audit_arch
    wanted = ALLOW if allowed else refused(errno.EAFNOSUPPORT)
    for high_bits in (0, 0x7 << 32):  # the kernel looks at 32 bits only, so must we
        assert decide(build_filter(machine), arch, number, family | high_bits) == wanted


@pytest.mark.parametrize(
    ("request_number", "allowed"), [(0x5412, False), (0x541C, False), (0x5401, True), (0x5413, True)]
)
def test_terminal_requests(machine: str, request_number: int, allowed: bool) -> None:
    number, arch = MACHINES[machine].syscalls["ioctl"], MACHINES[machine].audit_arch
    wanted = ALLOW if allowed else refused(errno.EPERM)
    for high_bits in (0, 1 << 40):
        assert decide(build_filter(machine), arch, number, 0, request_number | high_bits) == wanted


def test_another_architecture_is_killed(machine: str) -> None:
    for other in (0x40000003, 0x40000028, *(m.audit_arch for name, m in MACHINES.items() if name != machine)):
        assert decide(build_filter(machine), other, 39) == KILL


def test_the_second_number_range_of_x86_is_missing() -> None:
    program, arch = build_filter("x86_64"), MACHINES["x86_64"].audit_arch
    for name, number in X86_64.items():
        assert decide(program, arch, 0x40000000 | number) == refused(errno.ENOSYS), name


def test_tables_agree_where_linux_numbers_alike() -> None:
    alike = {name for name, number in AARCH64.items() if number >= 424}
    assert {name: X86_64[name] for name in alike} == {name: AARCH64[name] for name in alike}
    for table in (X86_64, AARCH64):
        assert len(set(table.values())) == len(table)


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(SandboxError, match="riscv64"):
        build_filter("riscv64")
