"""Every number the shop shows to Prometheus, declared once.

With PROMETHEUS_MULTIPROC_DIR set, processes that share the folder are counted together. Values that
are a state rather than a count are read when somebody asks: see `at_scrape`.
"""

import logging
from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

log = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
_STEP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

CHECKOUT_FUNNEL = Counter(
    "checkout_funnel_total",
    "Shoppers who got as far as cart, checkout, authorized, confirmed.",
    ["stage"],
)
CHECKOUT_FAILURES = Counter(
    "checkout_failures_total", "Checkouts that ended without an order, by problem code.", ["code"]
)
INVENTORY_OVERSELL = Counter(
    "inventory_oversell_total", "Units sold that were not there. Anything but 0 is an incident."
)
RESERVATIONS = Counter("reservations_total", "Reservations made.")
RESERVATION_EXPIRED = Counter(
    "reservation_expired_total", "Reservations given back because time ran out."
)
PSP_REQUEST_SECONDS = Histogram(
    "psp_request_seconds",
    "Time a call to a payment provider took.",
    ["provider", "operation"],
    buckets=_CALL_SECONDS,
)
PAYMENT_AUTHORIZATIONS = Counter(
    "payment_authorizations_total", "Authorizations by outcome.", ["outcome"]
)
PSP_EVENTS = Counter(
    "psp_events_total", "Events from a payment provider, by outcome.", ["provider", "outcome"]
)
SHIPMENTS = Counter("shipments_total", "Parcels by outcome.", ["outcome"])
REFUNDS = Counter("refunds_total", "Refunds by outcome.", ["outcome"])
RETURNS = Counter("returns_total", "Returns by each place they came to.", ["outcome"])
LETTERS = Counter("letters_total", "Letters by outcome.", ["outcome"])
CANCELLATIONS = Counter(
    "order_cancellations_total", "Confirmed orders called off, by who did it.", ["actor"]
)
PAYMENT_CAPTURES = Counter("payment_captures_total", "Captures by outcome.", ["outcome"])
REVIEWS = Counter("reviews_total", "Reviews by what became of them.", ["outcome"])
INVOICES = Counter("invoices_total", "Invoices issued.")
COUPONS = Counter("coupons_total", "Uses of coupons by outcome.", ["outcome"])
ACCOUNTS = Counter("accounts_total", "Accounts by what became of them.", ["outcome"])
MERCHANTS_ONBOARDED = Counter("merchants_onboarded_total", "Merchants let in.")
ORDERS_STUCK = Gauge(
    "orders_stuck",
    "Orders whose saga is past its deadline or needs attention, by state.",
    ["state"],
    multiprocess_mode="mostrecent",
)
ORDER_TRANSITION_ERRORS = Counter(
    "order_transition_errors_total", "Moves an order refused because they are not legal."
)
OUTBOX_LAG_SECONDS = Gauge(
    "outbox_lag_seconds",
    "Age of the oldest event not yet published.",
    multiprocess_mode="mostrecent",
)
SAGA_STEP_SECONDS = Histogram(
    "saga_step_seconds", "Time one step of a saga took.", ["step"], buckets=_STEP_SECONDS
)
CELERY_QUEUE_DEPTH = Gauge(
    "celery_queue_depth",
    "Nudges waiting in a queue.",
    ["queue"],
    multiprocess_mode="mostrecent",
)
HTTP_REQUEST_SECONDS = Histogram(
    "http_request_seconds",
    "Time an answer took, by route and status.",
    ["method", "route", "status"],
    buckets=_STEP_SECONDS,
)

_observers: dict[str, Callable[[], None]] = {}


def at_scrape(name: str, observe: Callable[[], None]) -> None:
    """Have a gauge set right before the numbers are shown; the same name replaces the one
    before."""
    _observers[name] = observe


def exposition() -> bytes:
    """All numbers in Prometheus' text format. An observer that fails is logged, the rest is
    shown."""
    for name, observe in list(_observers.items()):
        try:
            observe()
        except Exception:
            log.exception("metric_not_observed", extra={"metric": name})
    return generate_latest(_registry())


def _registry() -> CollectorRegistry:
    together = CollectorRegistry()
    try:
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    except ValueError:  # no shared folder: this process speaks for itself
        return REGISTRY
    return together
