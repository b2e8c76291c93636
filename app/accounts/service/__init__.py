"""What can be done with accounts: come, sign in, prove an address, choose a password, keep
addresses, make keys, sell for a merchant."""

from app.accounts.service.addresses import (
    ADDRESSES_MAX,
    add_address,
    change_address,
    remove_address,
)
from app.accounts.service.api_keys import (
    API_KEYS_MAX,
    NewApiKey,
    make_api_key,
    revoke_api_key,
)
from app.accounts.service.credentials import (
    ask_reset,
    change_password,
    keep_hash,
    reset_password,
)
from app.accounts.service.mailed import forget_old_mailed_tokens
from app.accounts.service.merchants import (
    activate,
    invite,
    invite_colleague,
    open_merchant,
    refuse_last,
    remove_person,
    suspend,
)
from app.accounts.service.people import ask_verification, change_profile, register, verify
from app.accounts.service.sessions import (
    SignedIn,
    end_sessions,
    forget_old_tokens,
    refresh,
    sign_in,
    sign_out,
)

__all__ = [
    "ADDRESSES_MAX", "API_KEYS_MAX", "NewApiKey", "SignedIn", "activate", "add_address",
    "ask_reset", "ask_verification", "change_address", "change_password", "change_profile",
    "end_sessions", "forget_old_mailed_tokens", "forget_old_tokens", "invite",
    "invite_colleague", "keep_hash", "make_api_key", "open_merchant", "refresh", "refuse_last",
    "register", "remove_address", "remove_person", "reset_password", "revoke_api_key",
    "sign_in", "sign_out", "suspend", "verify",
]  # fmt: skip
