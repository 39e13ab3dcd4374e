"""A program of its own: opens listening sockets inside another network namespace and hands them back.

It is run as `python -I -S -c SOURCE FD`, never imported for its work: a process may enter a user namespace only while
it has a single thread, and a worker has many. FD is one end of a stream socket. One message comes in: the ports as
text, with two descriptors: the network namespace and the user namespace that owns it. One goes out: "ok" with a
listening socket for each port, or what went wrong.

Every sandbox with listeners waits for this program, so it imports little: `_socket` is what `socket` is made of and
costs half of it.
"""

from __future__ import annotations

import _socket
import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
IP_FREEBIND = 15  # of <linux/in.h>; Python has no name for it
BACKLOG = 128
MAX_PORTS = 16
MAX_MESSAGE_BYTES = 4096
_INT_BYTES = 4  # of a descriptor in a message


def enter(network: int, owner: int) -> None:
    """Move this process into `network`. Without root's capabilities that needs a step into its owner first.

    Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 and libc.setns(owner, CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the user namespace of the sandbox")
    if libc.setns(network, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace of the sandbox")


def listen(port: int) -> _socket.socket:
    """A socket that listens on 127.0.0.1:`port`, here. Raises OSError."""
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    # The sandbox's loopback interface need not be up yet, and an address counts as missing until it is.
    listener.setsockopt(_socket.IPPROTO_IP, IP_FREEBIND, 1)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    return listener


def main() -> None:
    channel = _socket.socket(fileno=int(sys.argv[1]))
    ports, rights, _, _ = channel.recvmsg(MAX_MESSAGE_BYTES, _socket.CMSG_LEN(2 * _INT_BYTES))
    if not rights:
        return  # the worker gave up, or is gone
    sent = rights[0][2]
    try:
        enter(*(int.from_bytes(sent[at : at + _INT_BYTES], sys.byteorder) for at in (0, _INT_BYTES)))
        listeners = [listen(int(port)) for port in ports.split()]
    except OSError as error:
        channel.sendall(f"{error.strerror} (errno {error.errno})".encode())
        return
    descriptors = b"".join(listener.fileno().to_bytes(_INT_BYTES, sys.byteorder) for listener in listeners)
    channel.sendmsg([b"ok"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])


if __name__ == "__main__":
    main()
