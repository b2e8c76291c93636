"""What the steps of an order's road are handed."""

from typing import Protocol

from app.inventory.gate import Gate
from app.payments.ports import PaymentProvider
from app.platform.db import Database
from app.platform.files import Files
from app.platform.queue import Queue
from app.shipping.ports import Carrier


class Terms(Protocol):
    """What was agreed with the world outside."""

    @property
    def psp_seconds_max(self) -> float:
        """Patience for one call of the payment provider."""


class OrderPorts(Protocol):
    """What the steps of parcels, refunds, cancellations and returns are handed."""

    @property
    def db(self) -> Database:
        """The truth."""

    @property
    def queue(self) -> Queue:
        """Carries nudges."""

    @property
    def gate(self) -> Gate:
        """The fast gate in Redis."""

    @property
    def payments(self) -> PaymentProvider:
        """Who holds the money."""

    @property
    def carriers(self) -> Carrier:
        """Who takes the parcels."""

    @property
    def files(self) -> Files:
        """Where labels are kept."""

    @property
    def terms(self) -> Terms:
        """What was agreed."""
