"""TCP ports of this machine: which one is free, and whether someone answers on one."""

import errno
import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below what the kernel hands to outgoing connections (32768 up on Linux, 49152 up on macOS). A port
# from there may be taken by any client; worse, a client that polls it before the server listens can
# be given that very port as its own, connects to itself and waits for ever.
_LOWEST, _HIGHEST = 15_000, 29_999
_ATTEMPTS = 100


def free_port() -> int:
    """A port nobody holds right now. It may be taken before it is used: callers try another one."""
    for _ in range(_ATTEMPTS):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)  # `random` may be seeded by a test
        if not is_taken(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port between {_LOWEST} and {_HIGHEST}")


def is_taken(port: int) -> bool:
    """Whether a listener holds the port on the loopback address or on all addresses."""
    with socket.socket() as probe:
        # Connections of a server just stopped linger in TIME_WAIT; only a listener counts.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False
