"""Which language a caller reads: RFC 9110 §12.5.4 (Accept-Language)."""

from flask import request

from app.platform.languages import known_tag

_TAGS_MAX = 10  # nobody reads more; a longer header is not looked at to its end


def asked_language() -> str | None:
    """The caller's first wish that is a language at all; None where no wish was sent."""
    wishes = list(request.accept_languages.values())[:_TAGS_MAX]
    return next(filter(None, map(known_tag, wishes)), None)
