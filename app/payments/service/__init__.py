"""What can be done about payments: ask for a hold, take it, let it go, give it back, and hear what
the provider tells."""

from app.payments.service.answers import (
    Absent,
    Answer,
    ProviderNo,
    StillUnknown,
    needs_new_key,
    psp_key,
)
from app.payments.service.authorize import (
    Asked,
    ask_authorization,
    asking,
    open_payment,
    record_hold,
)
from app.payments.service.capture import (
    CaptureAnswer,
    Capturing,
    ask_capture,
    capturing,
    record_capture,
)
from app.payments.service.close import CloseAnswer, Closing, ask_close, closing, record_close
from app.payments.service.holds import apply_hold
from app.payments.service.inbox import apply_due, apply_event, receive_event
from app.payments.service.refund import (
    RepayAnswer,
    Repaying,
    Repayment,
    ask_repay,
    record_repay,
    refundable,
    repaying,
)
from app.payments.service.void import Voiding, ask_void, record_void, voiding

__all__ = [
    "Absent",
    "Answer",
    "Asked",
    "CaptureAnswer",
    "Capturing",
    "CloseAnswer",
    "Closing",
    "ProviderNo",
    "RepayAnswer",
    "Repaying",
    "Repayment",
    "StillUnknown",
    "Voiding",
    "apply_due",
    "apply_event",
    "apply_hold",
    "ask_authorization",
    "ask_capture",
    "ask_close",
    "ask_repay",
    "ask_void",
    "asking",
    "capturing",
    "closing",
    "needs_new_key",
    "open_payment",
    "psp_key",
    "receive_event",
    "record_capture",
    "record_close",
    "record_hold",
    "record_repay",
    "record_void",
    "refundable",
    "repaying",
    "voiding",
]
