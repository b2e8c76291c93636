"""The web door for tests: made once for settings that differ in addresses alone.

What answers a request asks for the providers then, so that the same application serves one test
after the other. Where a test counts how often it may ask, it gets an application of its own.
"""

from flask import Flask

from app import create_app
from app.wiring import providers

_GENEROUS = 1_000_000
_LIMITS = (
    "requests_per_minute", "logins_per_minute", "checkouts_per_minute", "letters_per_hour",
)  # fmt: skip
_ADDRESSES = {"database_url", "files_url", "stripe_api_base", "mail_url", "psp_seconds_max"}
_made: dict[str, Flask] = {}


def door() -> Flask:
    """The application for the providers in use."""
    settings = providers().settings
    if any(getattr(settings, limit) < _GENEROUS for limit in _LIMITS):
        return create_app()
    kind = settings.model_dump_json(exclude=_ADDRESSES)
    if kind not in _made:
        _made[kind] = create_app()
    return _made[kind]
