"""The places where a process may die and the world can tell: commits, Redis, vendors, the broker.

Every such place announces itself before and after. In production nobody listens; the crash walk
does, and cuts the power at the k-th. `calling_out` also keeps the oldest rule of all: no call
leaves while a transaction is open.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: Callable[[str], None] | None = None
_open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)


class CallInsideTransaction(RuntimeError):
    """A bug: something tried to call the outside world while rows were locked."""


def listen(listener: Callable[[str], None] | None) -> None:
    """Let one listener hear every seam; None takes it away."""
    global _listener
    _listener = listener


def seam(name: str) -> None:
    """Announce a boundary at which this process could die."""
    if _listener is not None:
        _listener(name)


@contextmanager
def transaction_open() -> Iterator[None]:
    """Mark that rows may be locked until the block ends."""
    mark = _open_transactions.set(_open_transactions.get() + 1)
    try:
        yield
    finally:
        _open_transactions.reset(mark)


@contextmanager
def calling_out(name: str) -> Iterator[None]:
    """Stand around every call to a vendor. Raises CallInsideTransaction before anything is sent."""
    if _open_transactions.get():
        raise CallInsideTransaction(f"{name} was called inside a transaction")
    seam(f"{name}:before")
    yield
    seam(f"{name}:after")
