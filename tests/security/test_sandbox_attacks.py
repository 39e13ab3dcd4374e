"""What a hostile program in a sandbox tries: in bubblewrap for a root worker and a plain one, and in podman.

Where the two drivers refuse in different words, both are named.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import mogplex

HERE = Path(__file__).parent
PLAIN_UID = 59734  # not the runner's: a worker without privileges is its own runner
ATTACKS = ("inside", "fill", "bomb", "neighbour", "hog", "disk", "sparse", "files", "freeze")
SECRET = "planted-secret-7f3a"


@pytest.fixture(scope="module", params=["root-started", "user-started", "root-started podman"])
def play(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The outcomes of all attacks, played once for each kind of worker."""
    as_root, driver = request.param.startswith("root"), "podman" if "podman" in request.param else "bubblewrap"
    if as_root and os.geteuid() != 0:
        pytest.skip("this test run is not root")
    if driver == "podman" and shutil.which(driver) is None:
        pytest.skip("podman is not installed: apt-get install podman runc catatonit")
    identity = {} if as_root or os.geteuid() != 0 else {"user": PLAIN_UID, "group": PLAIN_UID, "extra_groups": []}
    # The other user may not be able to enter the folders of this one: take along what the worker needs.
    with tempfile.TemporaryDirectory(prefix="mogplex-attack-code-", dir="/tmp") as folder:
        package, copy = Path(mogplex.__file__).parent, Path(folder) / "mogplex"
        copy.mkdir()
        shutil.copy(package / "__init__.py", copy)
        for room in ("domain", "sandboxes"):
            shutil.copytree(package / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("inside.py", "playing_worker.py"):
            shutil.copy(HERE / name, folder)
        subprocess.run(["/bin/chmod", "-R", "a+rX", folder], check=True)
        done = subprocess.run(
            [_find_python(), f"{folder}/playing_worker.py", f"{folder}/inside.py", SECRET, driver],
            env={"PYTHONPATH": folder, "WORKER_SECRET": SECRET, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=100,
            cwd="/",
            **identity,
        )
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, Any] = json.loads(done.stdout)
    assert outcomes["uid"] == (0 if as_root else identity.get("user", os.geteuid()))
    assert outcomes["runner"] != 0
    return outcomes | {"driver": driver}


def _find_python() -> str:
    """An interpreter that another user can start: this one may lie in a private folder."""
    system = Path("/usr/bin/python3").resolve()
    version = system.name.removeprefix("python3.")
    return str(system) if version.isdigit() and int(version) >= 11 else sys.executable


@pytest.fixture
def attempts(play: dict[str, Any]) -> dict[str, Any]:
    assert play["inside"]["code"] == 0, play["inside"]
    found: dict[str, Any] = play["attempts"]
    return found


@pytest.fixture
def by_engine(play: dict[str, Any]) -> bool:
    return bool(play["driver"] == "podman")


def expect(attempts: dict[str, Any], wanted: dict[str, object]) -> None:
    assert {name: attempts[name] for name in wanted} == wanted


def test_no_capability_and_no_way_to_get_one(attempts: dict[str, Any], by_engine: bool) -> None:
    expect(attempts, {"status CapEff": 0, "status CapPrm": 0, "status CapBnd": 0, "status NoNewPrivs": 1})
    expect(attempts, {"status Seccomp": 2, "/usr nosuid": True, "/work nosuid": True})
    expect(attempts, {"setuid 0": "EPERM" if by_engine else "EINVAL", "setgroups": "EPERM"})
    tried = [name for name in attempts if name.startswith("run ")]
    assert tried
    expect(attempts, dict.fromkeys(tried, True))


def test_a_set_uid_file_on_the_host_is_never_roots(play: dict[str, Any], attempts: dict[str, Any]) -> None:
    assert attempts["chmod 4755"] == "done"
    assert play["planted"] == {"mode": "0o4755", "uid": play["runner"]}


def test_the_worker_is_invisible(attempts: dict[str, Any], by_engine: bool) -> None:
    expect(attempts, {"secret seen": False, "options seen": False, "signal worker": "ESRCH"})
    assert attempts["environ of 1"] == "" or by_engine  # it has the engine's own, which tell nothing
    assert attempts["pids"] <= 4


def test_a_listener_made_from_outside_is_the_sandboxs_alone(play: dict[str, Any]) -> None:
    assert play["listener on the host"] is False
    # stdin, stdout, stderr and the folder that is being listed: the socket itself is not handed in
    assert play["listener inside"] == {"said": "served", "taken": "EADDRINUSE", "descriptors": 4}


def test_nothing_outside_can_be_written(play: dict[str, Any], attempts: dict[str, Any], by_engine: bool) -> None:
    for path in ("/new", "/usr/new", "/etc/new", "/bin/new", "/etc/passwd", "/home/new", "/repo/new"):
        assert attempts[f"write {path}"] == "EROFS", path
    assert attempts["write /dev/new"] == ("EACCES" if by_engine else "EROFS")
    for path in ("sysrq-trigger", "sys/kernel/core_pattern", "sys/user/max_user_namespaces", "sys/vm/drop_caches"):
        assert attempts[f"write /proc/{path}"] in ("EACCES", "EROFS", "EPERM", "ENOENT"), path
    expect(attempts, {"delete store": "EROFS", "chmod store": "EROFS", "lower oom score": "EACCES"})
    assert play["store"] == "shared"


def test_nothing_outside_can_be_read(attempts: dict[str, Any], by_engine: bool) -> None:
    hidden = [name for name in attempts if name.startswith("list ")]
    assert len(hidden) == 9
    if by_engine:  # folders of the image; below /sys nothing but the control groups
        expect(attempts, {"list /opt": 0, "list /sys": 1})
        hidden = [name for name in hidden if name not in ("list /opt", "list /sys")]
    for name in hidden:
        assert attempts[name] in ("ENOENT", "EACCES"), (name, attempts[name])
    expect(attempts, {f"read /etc/{name}": "ENOENT" for name in ("shadow", "machine-id", "resolv.conf")})
    expect(attempts, {"read /dev/mem": "ENOENT", "read /dev/kmsg": "ENOENT", "read through a link": "ENOENT"})
    for name in ("read /proc/kcore", "read /proc/kmsg"):
        assert attempts[name] in ("EACCES", "EPERM", "ENOENT"), name
    expect(attempts, {"root through a link": True})
    expect(attempts, {f"hard link {name}": "EXDEV" for name in ("/etc", "store", "/usr")})


def test_namespaces_and_mounts_cannot_be_changed(attempts: dict[str, Any], by_engine: bool) -> None:
    refused = ("mknod block", "mknod char", "mount", "remount rw", "umount", "fsopen", "open_tree", "pivot_root")
    expect(attempts, dict.fromkeys((*refused, "chroot", "setns", "sethostname"), "EPERM"))
    expect(attempts, {f"unshare {name}": "EPERM" for name in ("mount", "net", "pid")})
    expect(attempts, {"unshare user": "EPERM" if by_engine else "ENOSPC"})


def test_dangerous_system_calls_are_refused(attempts: dict[str, Any], by_engine: bool) -> None:
    refused = ("bpf", "keyctl", "add_key", "perf_event_open", "userfaultfd", "init_module", "reboot", "settimeofday")
    expect(attempts, dict.fromkeys((*refused, "open_by_handle_at", "swapon"), "EPERM"))
    expect(attempts, {"io_uring_setup": "ENOSYS"})
    if platform.machine() == "x86_64":
        expect(attempts, {"x32 getpid": "SIGSYS" if by_engine else "ENOSYS", "iopl": "EPERM"})


def test_no_terminal_can_be_typed_into(attempts: dict[str, Any]) -> None:
    expect(attempts, {"TIOCSTI": "EPERM", "TIOCSTI with high bits": "EPERM", "/dev/tty": "ENXIO"})


def test_there_is_no_network(attempts: dict[str, Any]) -> None:
    expect(attempts, dict.fromkeys(("connect 1.1.1.1", "udp 8.8.8.8", "metadata service"), "ENETUNREACH"))
    expect(attempts, {"host loopback port": "ECONNREFUSED", "host abstract socket": "ECONNREFUSED"})
    expect(attempts, {"host socket file": "ENOENT", "own loopback": "done", "raw socket": "EPERM"})
    assert attempts["resolve"] != "done"
    for name in ("vsock", "alg", "packet", "bluetooth", "can", "xdp"):
        expect(attempts, {f"socket {name}": "EAFNOSUPPORT", f"socketpair {name}": "EAFNOSUPPORT"})


def test_signals_stay_inside(play: dict[str, Any], attempts: dict[str, Any]) -> None:
    expect(attempts, {"SIGKILL 1": "done", "SIGSTOP 1": "done", "SIGKILL parent": "done"})  # accepted, without effect
    expect(attempts, {"-1 killed only our own": True, "zombies": 0})
    assert play["inside"]["killed_by"] is None


def test_private_folders_have_a_size(play: dict[str, Any], by_engine: bool) -> None:
    filled = json.loads(play["fill"]["out"])
    sizes = {"/tmp": 8, "/dev/shm": 64, "/run": 64} | ({} if by_engine else {"/home/agent": 256})
    assert filled == {folder: ["ENOSPC", size * 2**20] for folder, size in sizes.items()}


def test_a_fork_bomb_is_bounded_and_bothers_no_neighbour(play: dict[str, Any]) -> None:
    assert (play["bomb"]["killed_by"], play["bomb"]["left"]) == ("wall_clock", 0)
    assert (play["neighbour"]["code"], play["neighbour"]["out"]) == (0, "well\n")


def test_a_memory_hog_does_not_get_it(play: dict[str, Any]) -> None:
    hog = play["hog"]
    assert "had it" not in hog["out"]
    assert hog["killed_by"] == "memory" or "MemoryError" in hog["err"], hog


def test_a_full_work_folder_ends_the_run(play: dict[str, Any]) -> None:
    assert (play["disk"]["killed_by"], play["disk"]["left"]) == ("disk", 0)


def test_a_file_of_10_gb_is_refused_and_holes_take_no_room(play: dict[str, Any]) -> None:
    assert play["sparse"]["code"] == 0, play["sparse"]
    assert json.loads(play["sparse"]["out"]) == {"said": "EFBIG", "size": 0, "blocks": 0}


def test_files_without_number_end_the_run(play: dict[str, Any]) -> None:
    files = play["files"]
    assert (files["killed_by"], files["left"], files["out"]) == ("disk", 0, ""), files


def test_freezing_the_first_process_only_costs_the_time_limit(play: dict[str, Any]) -> None:
    assert play["freeze"]["out"] == "0\n"  # it could be attached to
    assert (play["freeze"]["killed_by"], play["freeze"]["left"]) == ("wall_clock", 0)
    assert play["freeze"]["seconds"] < 20


def test_nothing_is_left_of_any_attack(play: dict[str, Any]) -> None:
    ended = {name: value["left"] for name, value in play.items() if isinstance(value, dict) and "left" in value}
    assert ended == dict.fromkeys(ATTACKS, 0)
