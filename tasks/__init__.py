"""The queue's door: the Celery application, `celery -A tasks`.

A task is a nudge: an id in, one call, nothing out. Late, doubled or lost, the row decides.
"""

from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

from app.config import settings
from app.platform import logging
from app.wiring import build, providers, use

REDIS_SECONDS_MAX = 5.0  # nobody waits for a worker as a shopper waits for an answer

celery = Celery("tasks")
celery.config_from_object("celeryconfig")
celery.conf.imports = (
    "tasks.checkout",
    "tasks.housekeeping",
    "tasks.inventory",
    "tasks.notifications",
    "tasks.orders",
    "tasks.outbox",
    "tasks.payments",
    "tasks.shipping",
    "tasks.steps",
)


@setup_logging.connect
def _log_as_json(**_given: Any) -> None:
    logging.configure(settings().log_level)


@worker_process_init.connect
def _start_afresh(**_given: Any) -> None:
    """A forked child must not share its parent's connections."""
    use(build(settings().model_copy(update={"redis_seconds_max": REDIS_SECONDS_MAX})))


@worker_process_shutdown.connect
def _hang_up(**_given: Any) -> None:
    providers().db.dispose()
