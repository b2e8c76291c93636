"""What can be done about payments: ask for a hold, let it go, hear what the provider tells."""

from app.payments.service.authorize import (
    Absent,
    Answer,
    Asked,
    StillUnknown,
    ask_authorization,
    asking,
    open_payment,
    record_hold,
)
from app.payments.service.holds import apply_hold
from app.payments.service.inbox import apply_due, apply_event, receive_event
from app.payments.service.void import Voiding, ask_void, record_void, voiding

__all__ = [
    "Absent",
    "Answer",
    "Asked",
    "StillUnknown",
    "Voiding",
    "apply_due",
    "apply_event",
    "apply_hold",
    "ask_authorization",
    "ask_void",
    "asking",
    "open_payment",
    "receive_event",
    "record_hold",
    "record_void",
    "voiding",
]
