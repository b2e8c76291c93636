"""TypeIDs: UUIDv7 in the database, `ord_01h455vb4pex5vsknk084sn02q` at the door.

Sources: RFC 9562 §5.7 (UUIDv7), TypeID specification 0.3 (Crockford base 32, 26 characters).
"""

import os
import time
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH = 26


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by time of making, so that indexes grow at one end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


def encode(prefix: str, value: UUID) -> str:
    """The public form of an id, `prefix_` and 26 characters."""
    number, letters = value.int, []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(letters))}"


def decode(prefix: str, text: str) -> UUID:
    """The UUID behind a public id. Raises ValueError for another prefix or anything not
    canonical."""
    head, _, tail = text.rpartition("_")
    if head != prefix or len(tail) != _LENGTH or tail[0] > "7":
        raise ValueError(f"not a {prefix} id")
    number = 0
    for letter in tail:
        if letter not in _VALUE:
            raise ValueError(f"not a {prefix} id")
        number = number * 32 + _VALUE[letter]
    return UUID(int=number)
