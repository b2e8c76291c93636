"""Numbers that are a state, read when Prometheus asks."""

from app.events.queries import lag_seconds
from app.platform import metrics
from app.saga.queries import count_stuck
from app.wiring import providers


def watch() -> None:
    """Have the outbox, the sagas and the queues looked at on every scrape."""
    metrics.at_scrape("outbox", _outbox)
    metrics.at_scrape("sagas", _sagas)
    metrics.at_scrape("queues", _queues)


def _outbox() -> None:
    with providers().db.reading() as session:
        metrics.OUTBOX_LAG_SECONDS.set(lag_seconds(session))


def _sagas() -> None:
    with providers().db.reading() as session:
        stuck = count_stuck(session)
    for state, count in stuck.items():
        metrics.ORDERS_STUCK.labels(state).set(count)


def _queues() -> None:
    for name, depth in providers().queue.depths().items():
        metrics.CELERY_QUEUE_DEPTH.labels(name).set(depth)
