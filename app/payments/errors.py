"""How the money refuses, and how it stays silent."""

from enum import StrEnum

from app.platform.errors import Conflict, Invalid, NotFound, Unavailable


class Silence(StrEnum):
    """Why it is not known what a provider did."""

    NO_ANSWER = "no_answer"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    STORED_FAILURE = "stored_failure"
    KEY_IN_USE = "key_in_use"
    KEY_MISMATCH = "key_mismatch"
    KEY_TOO_OLD = "key_too_old"
    ACCESS_REFUSED = "access_refused"
    PROCESSING = "processing"
    NOT_FOUND_YET = "not_found_yet"
    NOT_RELEASED = "not_released"


# The same key would only repeat the same silence: nothing but looking helps.
LOOK_ONLY = frozenset({Silence.STORED_FAILURE, Silence.KEY_MISMATCH, Silence.KEY_TOO_OLD})


class PaymentDeclined(Conflict):
    """The provider says no to this card; another one may be tried."""

    code = "payment_declined"


class OutcomeUnknown(Unavailable):
    """A call may or may not have done its work; nothing may be released or asked anew meanwhile."""

    code = "payment_pending"

    def __init__(self, silence: Silence, detail: str) -> None:
        super().__init__(detail)
        self.silence = silence

    @property
    def look(self) -> bool:
        """Whether repeating the key cannot help any more."""
        return self.silence in LOOK_ONLY


class CaptureRefused(Conflict):
    """The provider will not take this money; `reason` says why, in a word.

    `authorization_expired`, `multicapture_unavailable`, `amount_too_large`, or the provider's own.
    """

    code = "capture_refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


class RepaymentRefused(Conflict):
    """The provider will not give this money back; `reason` is its own word."""

    code = "refund_refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


class ProviderAway(Unavailable):
    """The provider could not be asked; asking changes nothing, so ask again later."""

    code = "psp_unavailable"


class NotAtProvider(NotFound):
    """The provider does not know this reference."""

    code = "payment_not_found"


class UnknownProvider(NotFound):
    """The shop has no such payment provider."""

    code = "not_found"


class BadSignature(Invalid):
    """What claims to come from the provider was not signed by it, or too long ago."""

    code = "bad_signature"
