"""Deletes the labels of people who are gone, when nudged and by the clock."""

from app.shipping.labels import delete_erased
from app.wiring import providers
from tasks import celery

LABELS_MAX = 200  # files a run; the next goes on


@celery.task(name="shipping.delete_labels")
def delete_labels(_user_id: str | None = None) -> None:
    """Delete every file that waits for it, whoever it named. Any repeat is harmless."""
    ports = providers()
    delete_erased(ports.db, ports.files, limit=LABELS_MAX)
