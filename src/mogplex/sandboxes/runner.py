"""Which unprivileged user the untrusted programs run as."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import Any

from mogplex.domain.errors import SandboxError

RUNNER_NAME = "mogplex-runner"
RUNNER_UID = 59733  # outside the ranges that Debian and systemd hand out to people, services and containers


@dataclass(frozen=True, slots=True)
class Runner:
    """A numeric user and group. `drops` says whether the worker must change to it before exec.

    A root worker never starts a sandbox with host uid 0: a set-uid bit put on a file of the work tree would be a
    root program on the host, and the kernel ignores process limits of root.
    """

    uid: int
    gid: int
    drops: bool

    @classmethod
    def detect(cls, uid: int | None = None, gid: int | None = None) -> Runner:
        """The user for this process: itself when unprivileged; else `uid`, the user mogplex-runner, or 59733.

        Raises SandboxError when `uid` is 0, or when it is another user and this process is not root.
        """
        if os.geteuid() != 0:
            if uid is not None and uid != os.geteuid():
                raise SandboxError(
                    f"Cannot run sandboxes as uid {uid}: this process is uid {os.geteuid()}, not root. "
                    "Leave the runner uid unset, or start the worker as root."
                )
            return cls(os.geteuid(), os.getegid(), drops=False)
        if uid == 0 or gid == 0:
            raise SandboxError("Sandboxes never run with uid or gid 0: choose an unprivileged runner uid.")
        if uid is None:
            try:
                entry = pwd.getpwnam(RUNNER_NAME)
            except KeyError:
                return cls(RUNNER_UID, gid or RUNNER_UID, drops=True)
            return cls(entry.pw_uid, gid or entry.pw_gid, drops=True)
        return cls(uid, gid or uid, drops=True)

    def popen_arguments(self) -> dict[str, Any]:
        """Keyword arguments that make `subprocess` start a program as this user, without any other group."""
        if not self.drops:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}
