"""The six kinds of refusal. A domain names the kind; the doors give it a status. All else is a
bug."""

from collections.abc import Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """The shop says no, for a reason a person can act on.

    `code` is stable and documented; `facts` travel to the caller as problem members (RFC 9457
    §3.2); `fields` lists `{"field", "detail"}`; `after_seconds` is set where trying again may help.
    """

    code: ClassVar[str] = "refused"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        fields: Sequence[dict[str, str]] = (),
        after_seconds: int | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = list(fields)
        self.after_seconds = after_seconds
        self.facts = facts


class NotFound(DomainError):
    """No such thing, or not yours: the two look the same from outside."""

    code = "not_found"


class Conflict(DomainError):
    """The thing is there, but not in a state that allows this."""

    code = "conflict"


class VersionConflict(Conflict):
    """It changed since the caller saw it (If-Match); 412, `version` says what it is now."""

    code = "version_conflict"


class Denied(DomainError):
    """You are known, and may not."""

    code = "forbidden"


class Invalid(DomainError):
    """The words are readable, their meaning is not acceptable."""

    code = "invalid"


class TooSoon(DomainError):
    """Too many calls; `after_seconds` says when to come back."""

    code = "rate_limited"
    retryable = True


class Unavailable(DomainError):
    """A part the act needs is away for now; nothing was changed."""

    code = "unavailable"
    retryable = True
