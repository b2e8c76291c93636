"""What accounts announce. Facts carry ids; who hears them loads the row, and makes the link of a
letter from the token's id (`tokens.MailedTokens`)."""

from dataclasses import dataclass
from uuid import UUID

from app.events.registry import event


@event("account.registered", topic="accounts", key="user_id")
@dataclass(frozen=True)
class AccountRegistered:
    """Somebody opened an account; the token verifies the address."""

    user_id: UUID
    token_id: UUID


@event("account.verification_requested", topic="accounts", key="user_id")
@dataclass(frozen=True)
class VerificationRequested:
    """Somebody asks for another letter that verifies the address."""

    user_id: UUID
    token_id: UUID


@event("account.password_reset_requested", topic="accounts", key="token_id")
@dataclass(frozen=True)
class PasswordResetRequested:
    """Somebody forgot a password, or pretends to: whether an account has this address is for the
    reader to find out, so that whoever asks cannot tell by the time it takes."""

    token_id: UUID


@event("account.password_changed", topic="accounts", key="user_id")
@dataclass(frozen=True)
class PasswordChanged:
    """A password was chosen anew; every session before it has ended."""

    user_id: UUID


@event("account.invited", topic="accounts", key="user_id")
@dataclass(frozen=True)
class AccountInvited:
    """Somebody may sell for a merchant once the token has chosen a password."""

    user_id: UUID
    merchant_id: UUID
    token_id: UUID


@event("account.erased", topic="accounts", key="user_id")
@dataclass(frozen=True)
class AccountErased:
    """A person is gone; what others keep under this id is to be forgotten too."""

    user_id: UUID
