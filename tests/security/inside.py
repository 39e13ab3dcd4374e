"""Runs inside the sandbox, read from stdin: tries what must not work and prints what came of it as JSON.

Only the standard library of the system's Python. An outcome is "done", the name of an error number, or a value.
"""

import ctypes
import errno
import fcntl
import json
import os
import pathlib
import platform
import pty
import signal
import socket
import stat
import subprocess
import sys
import termios

FACTS = json.loads(sys.argv[1])  # what the host side planted
X86 = platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)
outcome: dict[str, object] = {}


def attempt(name, action):
    try:
        value = action()
    except OSError as error:
        value = errno.errorcode.get(error.errno, str(error))
    outcome[name] = "done" if value is None else value


def call(number_x86, number_arm, *arguments):
    """A raw system call; raises OSError as Python's own functions do."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(number_x86 if X86 else number_arm), *words) == -1:
        raise OSError(ctypes.get_errno(), "")


def write(path, text="1"):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path, "rb") as file:
        file.read(1)


def look_at_status():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp"):
            outcome[f"status {name}"] = int(value, 16)
    outcome["pids"] = len([name for name in os.listdir("/proc") if name.isdigit()])
    outcome["environ of 1"] = pathlib.Path("/proc/1/environ").read_text()
    told = b""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            told += pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    outcome["secret seen"] = FACTS["secret"][::-1].encode() in told  # given reversed, so that asking does not plant it
    outcome["options seen"] = b"--unshare" in told or b"--seccomp" in told


def write_outside():
    for path in ("/new", "/usr/new", "/etc/new", "/bin/new", "/etc/passwd", "/dev/new", "/home/new", "/repo/new"):
        attempt(f"write {path}", lambda path=path: write(path))
    for path in ("sysrq-trigger", "sys/kernel/core_pattern", "sys/user/max_user_namespaces", "sys/vm/drop_caches"):
        attempt(f"write /proc/{path}", lambda path=path: write(f"/proc/{path}"))
    attempt("delete store", lambda: os.unlink("/repo/object"))
    attempt("chmod store", lambda: os.chmod("/repo/object", 0o777))
    attempt("lower oom score", lambda: write("/proc/self/oom_score_adj", "-900"))


def read_outside():
    for path in ("/root", "/var", "/sys", "/opt", "/srv", "/boot", "/mnt", FACTS["room"], "/proc/1/root/root"):
        attempt(f"list {path}", lambda path=path: len(os.listdir(path)))
    for path in (
        "/etc/shadow",
        "/etc/machine-id",
        "/etc/resolv.conf",
        "/proc/kcore",
        "/proc/kmsg",
        "/dev/kmsg",
        "/dev/mem",
    ):
        attempt(f"read {path}", lambda path=path: read(path))
    os.symlink("/etc/shadow", "/work/to-shadow")
    attempt("read through a link", lambda: read("/work/to-shadow"))
    os.symlink("../../../../../../../..", "/work/up")
    outcome["root through a link"] = sorted(os.listdir("/work/up")) == sorted(os.listdir("/"))
    attempt("hard link /etc", lambda: os.link("/etc/passwd", "/work/passwd"))
    attempt("hard link store", lambda: os.link("/repo/object", "/work/object"))
    attempt("hard link /usr", lambda: os.link("/usr/bin/env", "/work/env"))


def change_namespaces():
    attempt("mknod block", lambda: os.mknod("/work/block", stat.S_IFBLK | 0o600, os.makedev(8, 0)))
    attempt("mknod char", lambda: os.mknod("/work/char", stat.S_IFCHR | 0o600, os.makedev(1, 1)))
    attempt("mount", lambda: call(165, 40, b"none", b"/work", b"tmpfs", 0, None))
    attempt("remount rw", lambda: call(165, 40, None, b"/usr", None, 32, None))
    attempt("umount", lambda: call(166, 39, b"/tmp", 2))
    attempt("fsopen", lambda: call(430, 430, b"tmpfs", 0))
    attempt("open_tree", lambda: call(428, 428, -100, b"/", 1))
    attempt("pivot_root", lambda: call(155, 41, b"/work", b"/work"))
    attempt("chroot", lambda: os.chroot("/work"))
    for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("net", 0x40000000), ("pid", 0x20000000)):
        attempt(f"unshare {name}", lambda flag=flag: call(272, 97, flag))
    attempt("setns", lambda: call(308, 268, os.open("/proc/self/ns/net", os.O_RDONLY), 0))
    attempt("setuid 0", lambda: os.setuid(0))
    attempt("setgroups", lambda: os.setgroups([0]))
    attempt("sethostname", lambda: socket.sethostname("host"))


def call_the_kernel():
    attempt("io_uring_setup", lambda: call(425, 425, 1, None))
    attempt("bpf", lambda: call(321, 280, 0, None, 0))
    attempt("keyctl", lambda: call(250, 219, 0, -3, 0))
    attempt("add_key", lambda: call(248, 217, b"user", b"x", b"y", 1, -3))
    attempt("perf_event_open", lambda: call(298, 241, None, 0, -1, -1, 0))
    attempt("userfaultfd", lambda: call(323, 282, 0))
    attempt("init_module", lambda: call(175, 105, None, 0, b""))
    attempt("reboot", lambda: call(169, 142, 0, 0, 0, None))
    attempt("settimeofday", lambda: call(164, 170, None, None))
    attempt("open_by_handle_at", lambda: call(304, 265, -1, None, 0))
    attempt("swapon", lambda: call(167, 224, b"/work/x", 0))
    if X86:
        child = os.fork()  # one of the filters ends whoever tries
        if child == 0:
            try:
                call(0x40000000 | 39, 0)
            except OSError as error:
                os._exit(error.errno or 0)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        outcome["x32 getpid"] = (
            signal.Signals(os.WTERMSIG(status)).name
            if os.WIFSIGNALED(status)
            else errno.errorcode.get(os.WEXITSTATUS(status), "done")
        )
        attempt("iopl", lambda: call(172, 0, 3))
    _, slave = pty.openpty()
    attempt("TIOCSTI", lambda: fcntl.ioctl(slave, termios.TIOCSTI, b"x"))
    attempt("TIOCSTI with high bits", lambda: call(16, 29, slave, 0x100005412, b"x"))
    attempt("/dev/tty", lambda: read("/dev/tty"))


def reach_out():
    def connect(family, address, kind=socket.SOCK_STREAM):
        with socket.socket(family, kind) as client:
            client.settimeout(2)
            client.connect(address)
            if kind == socket.SOCK_DGRAM:
                client.send(b"x")

    attempt("connect 1.1.1.1", lambda: connect(socket.AF_INET, ("1.1.1.1", 443)))
    attempt("udp 8.8.8.8", lambda: connect(socket.AF_INET, ("8.8.8.8", 53), socket.SOCK_DGRAM))
    attempt("metadata service", lambda: connect(socket.AF_INET, ("169.254.169.254", 80)))
    attempt("host loopback port", lambda: connect(socket.AF_INET, ("127.0.0.1", FACTS["port"])))
    attempt("host abstract socket", lambda: connect(socket.AF_UNIX, "\0" + FACTS["abstract"]))
    attempt("host socket file", lambda: connect(socket.AF_UNIX, FACTS["room"] + "/socket"))
    attempt("resolve", lambda: len(socket.getaddrinfo("example.com", 80)) and None)
    for name, family in (("vsock", 40), ("alg", 38), ("packet", 17), ("bluetooth", 31), ("can", 29), ("xdp", 44)):
        attempt(f"socket {name}", lambda family=family: socket.socket(family, socket.SOCK_DGRAM).close())
        attempt(f"socketpair {name}", lambda family=family: call(53, 199, family, 2, 0, (ctypes.c_int * 2)()))
    attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close())
    attempt("own loopback", own_loopback)


def own_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def gain_privileges():
    outcome["/usr nosuid"] = bool(os.statvfs("/usr").f_flag & os.ST_NOSUID)
    outcome["/work nosuid"] = bool(os.statvfs("/work").f_flag & os.ST_NOSUID)
    for name in ("/bin/su", "/usr/bin/passwd"):
        if os.path.exists(name):
            argv = [name, "root", "-c", "id -u"] if name == "/bin/su" else [name]
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
            outcome[f"run {name}"] = done.returncode != 0 and done.stdout.strip() != b"0"
    with open("/work/planted", "w") as file:
        file.write("#!/bin/sh\nid -u\n")
    attempt("chmod 4755", lambda: os.chmod("/work/planted", 0o4755))


def signal_others():
    attempt("signal worker", lambda: os.kill(FACTS["worker"], 0))
    attempt("SIGKILL 1", lambda: os.kill(1, 9))
    attempt("SIGSTOP 1", lambda: os.kill(1, 19))
    attempt("SIGKILL parent", lambda: os.kill(os.getppid(), 9))
    child = subprocess.Popen(["/bin/sleep", "1000"])
    attempt("SIGKILL -1", lambda: os.kill(-1, 9))
    outcome["-1 killed only our own"] = child.wait() == -9
    for _ in range(50):  # orphans that end: whoever is their parent now must take note
        if os.fork() == 0:
            if os.fork() == 0:
                os._exit(0)
            os._exit(0)
        os.wait()
    states = []
    for _ in range(200):
        states = [state_of(pid) for pid in os.listdir("/proc") if pid.isdigit()]
        if "Z" not in states:
            break
        os.sched_yield()
    outcome["zombies"] = states.count("Z")


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


for part in (
    look_at_status,
    write_outside,
    read_outside,
    change_namespaces,
    call_the_kernel,
    reach_out,
    gain_privileges,
    signal_others,
):
    part()
sys.stdout.write(json.dumps(outcome))
