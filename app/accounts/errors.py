"""How accounts refuse."""

from app.platform.errors import Conflict, DomainError


class Unauthenticated(DomainError):
    """Nobody we know: no token, or one that is expired or not ours. Answered 401."""

    code = "unauthenticated"


class BadCredentials(Unauthenticated):
    """Email and password do not belong together; which of them is wrong is not said."""

    code = "bad_credentials"


class RefreshRefused(Unauthenticated):
    """The refresh token is unknown, expired, revoked or was used before."""

    code = "refresh_refused"


class CartTokenInvalid(Unauthenticated):
    """The cart token is not one of ours, or is past its time."""

    code = "cart_token_invalid"


class EmailTaken(Conflict):
    """There is an account with this email."""

    code = "email_taken"
