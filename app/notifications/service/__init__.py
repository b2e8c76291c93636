"""What can be done with letters: queue them, give them away, stop those of a kind."""

from app.notifications.service.delivery import INCIDENT, deliver, deliver_due
from app.notifications.service.opting import choose, stop
from app.notifications.service.queueing import EMAIL, queue_letter

__all__ = [
    "EMAIL", "INCIDENT", "choose", "deliver", "deliver_due", "queue_letter", "stop",
]  # fmt: skip
