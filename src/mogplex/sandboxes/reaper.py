"""A program that runs one command and sees to it that nothing of it is left. Run with `python -c`, not imported.

Arguments: worker's process number, descriptor for the ending, folder to remove at the end, command. It adopts every
orphan of the command. When that has ended, on SIGTERM, or when the worker dies, it kills all that descends from it
until nothing does, then writes `<wait status> <cpu seconds> <peak KiB of a process>` to the descriptor (-1: SIGTERM).
Only the standard library: it runs as another user, outside the package.
"""

import ctypes
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def list_descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = list(children.get(os.getpid(), []))
    for pid in found:  # grows while it is walked
        found.extend(children.get(pid, []))
    return found


def kill_descendants() -> None:
    """Until waiting says that there is no child: a fork bomb needs more than one round."""
    while True:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in list_descendants():
                try:
                    os.kill(pid, number)
                except (ProcessLookupError, PermissionError):
                    continue  # gone, or changed to another user by a set-uid program: it can't be ours to kill
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                continue
        except ChildProcessError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.01)


def main() -> None:
    worker, report, room, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    os.set_inheritable(report, False)
    libc = ctypes.CDLL(None, use_errno=True)
    watched = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    status = -1
    if os.getppid() == worker:  # else it died before the line above
        # Ignored signals would be inherited: from Python, and from a worker started in the background of a script.
        plain = [signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
        child = os.posix_spawnp(command[0], command, os.environ, setsigmask=[], setsigdef=plain)
        status = wait_for(child, watched)
    kill_descendants()
    shutil.rmtree(room, ignore_errors=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.write(report, f"{status} {usage.ru_utime + usage.ru_stime:.3f} {usage.ru_maxrss}\n".encode())


def wait_for(child: int, watched: set[signal.Signals]) -> int:
    """The wait status of `child`, or -1 when told to end first."""
    while True:
        number = signal.sigwait(watched)
        if number == signal.SIGTERM:
            return -1
        if number == signal.SIGINT:
            os.kill(child, signal.SIGINT)
        while number == signal.SIGCHLD:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status
            if pid == 0:
                break


if __name__ == "__main__":
    main()
