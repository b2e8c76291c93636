"""Passwords are kept as argon2id hashes, and checking one takes as long for a stranger as for a
customer.

Source: RFC 9106 §4 (parameters), OWASP Authentication Cheat Sheet (user enumeration).
"""

from functools import cached_property
from typing import Literal

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

UNUSABLE = "!"  # kept in place of a hash: no password opens this account
LENGTH_MIN, LENGTH_MAX = 8, 128  # characters; the upper bound keeps hashing cheap to ask for


class Passwords:
    """Hashes and checks passwords at one cost. `cheapest` is for tests alone."""

    def __init__(self, cost: Literal["default", "cheapest"] = "default") -> None:
        profile = profiles.CHEAPEST if cost == "cheapest" else profiles.RFC_9106_LOW_MEMORY
        self._hasher = PasswordHasher.from_parameters(profile)

    @cached_property
    def _nobodys(self) -> str:
        """A hash to compare with where there is none; made when first needed, for it is costly."""
        return self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The salted hash to keep, in PHC string format."""
        return self._hasher.hash(password)

    def matches(self, password: str, kept: str | None) -> bool:
        """Whether the password made this hash. Without one (no such person, or one who never chose
        a password) the same work is done for nothing."""
        usable = kept if kept and kept.startswith("$argon2") else None
        try:
            return self._hasher.verify(usable or self._nobodys, password) and usable is not None
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made at another cost and should be made again at the next login."""
        return self._hasher.check_needs_rehash(kept)
