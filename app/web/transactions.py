"""One request, one transaction: what a view changes commits together, with the key that asked for
it."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g

from app.platform.db import ShopSession
from app.wiring import providers


@contextmanager
def transaction() -> Iterator[ShopSession]:
    """The transaction of this act. Commits at the end of the block, then sends its nudges.

    Under `@idempotent` with a key it is the key's own transaction: it commits once the answer is
    written, so that key, act and answer stand or fall together.
    """
    act = g.get("idempotent_act")
    if act is None:
        wired = providers()
        with wired.db.transaction(wired.queue) as session:
            yield session
        return
    with act.joined() as session:
        yield session


@contextmanager
def reading() -> Iterator[ShopSession]:
    """Look without touching."""
    with providers().db.reading() as session:
        yield session
