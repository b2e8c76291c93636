"""How accounts refuse."""

from app.platform.errors import Conflict, Denied, DomainError, Invalid, NotFound


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


class ApiKeyRefused(Unauthenticated):
    """The key is unknown, revoked or expired, or its merchant is suspended; which, is not said."""

    code = "unauthenticated"


class TokenRefused(Invalid):
    """The mailed token is not ours, was used, lapsed or replaced; which, is not said."""

    code = "token_refused"


class WrongPassword(Denied):
    """Somebody signed in does not know the account's password."""

    code = "wrong_password"


class AlreadyVerified(Conflict):
    """The address of this account is verified."""

    code = "already_verified"


class AddressNotFound(NotFound):
    """No such entry in this person's address book."""

    code = "address_not_found"


class AddressBookFull(Conflict):
    """The address book holds only so many entries."""

    code = "address_book_full"


class ApiKeyNotFound(NotFound):
    """No such key of this merchant."""

    code = "api_key_not_found"


class TooManyApiKeys(Conflict):
    """A merchant holds only so many keys."""

    code = "too_many_api_keys"


class MerchantNotFound(NotFound):
    """No such merchant."""

    code = "merchant_not_found"


class SlugTaken(Conflict):
    """Another merchant has this slug."""

    code = "slug_taken"


class NotOfMerchant(Denied):
    """Whoever asks sells for this merchant no more: an access token outlives that by minutes."""

    code = "forbidden"


class PersonNotFound(NotFound):
    """Nobody of this merchant has this id."""

    code = "person_not_found"


class LastOfMerchant(Conflict):
    """The merchant would have nobody left."""

    code = "last_of_merchant"


class OrdersUnderWay(Conflict):
    """Something bought is still on its way, or money is."""

    code = "orders_under_way"
