"""TCP ports of this machine: which one is free, and whether someone answers on one."""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port nobody holds right now. It may be taken before it is used: callers try another one."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
