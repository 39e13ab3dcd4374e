"""A private key for ssh that is never on a disk: it lies in this process's memory, and ssh reads it from there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SSH_COMMAND = "ssh -o BatchMode=yes -o ConnectTimeout=15"


@contextmanager
def offer_key(ssh_key: str | None) -> Iterator[Mapping[str, str]]:
    """Variables for git that make its ssh use this key and no other, while the body runs; none for no key.

    ssh closes what it inherits, so it is given the place of the file under our own process id: readable for our user
    alone, as ssh wants it.
    """
    if ssh_key is None:
        yield {}
        return
    with os.fdopen(os.memfd_create("key", os.MFD_CLOEXEC), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(ssh_key.encode())
        file.flush()
        place = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        yield {"GIT_SSH_COMMAND": f"{SSH_COMMAND} -o IdentitiesOnly=yes -o IdentityAgent=none -i {place}"}
