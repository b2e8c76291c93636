"""Who may call: any secret or restricted test key, as Bearer or as the user of Basic."""

import base64
import binascii
import re

from devstack.stripe.errors import unauthorized

TEST_KEY = re.compile(r"^(sk|rk)_test_[A-Za-z0-9_]+$")
NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, "
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
    "https://stripe.com/docs/api#authentication for details, or we can help at "
    "https://support.stripe.com/."
)


def authorize(header: str | None) -> None:
    """Refuse a call without a test key: 401."""
    key = _key(header or "")
    if not key:
        raise unauthorized(NO_KEY)
    if not TEST_KEY.match(key):
        hidden = key[:8] + "*" * max(0, min(len(key) - 12, 24)) + key[-4:] * (len(key) > 12)
        raise unauthorized(f"Invalid API Key provided: {hidden}")


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().split(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
