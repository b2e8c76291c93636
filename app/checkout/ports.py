"""What checkouts need from outside, and what the shop agreed to."""

from dataclasses import dataclass
from typing import Protocol

from app.cart.service import Carts
from app.inventory.gate import Gate
from app.payments.ports import PaymentProvider
from app.platform.db import Database
from app.platform.queue import Queue
from app.shipping.ports import CarrierRates


@dataclass(frozen=True)
class Terms:
    """How long units are held, a checkout and a PSP call may take, and where shoppers come back
    to."""

    reservation_seconds: int
    checkout_seconds_max: int
    psp_seconds_max: float
    public_url: str


class CheckoutPorts(Protocol):
    """What the steps of a purchase are handed."""

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
    def carts(self) -> Carts:
        """Carts, wherever they live."""

    @property
    def payments(self) -> PaymentProvider:
        """Who holds the money."""

    @property
    def carriers(self) -> CarrierRates:
        """Who may be asked for live rates."""

    @property
    def terms(self) -> Terms:
        """What was agreed."""
