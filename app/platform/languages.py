"""Language tags as people and browsers write them: BCP 47, `de`, `de-AT`, `zh-Hant-TW`."""

from babel import Locale, UnknownLocaleError

_LONGEST = 35  # RFC 5646 §4.4.1: what a tag of every common kind fits into


def known_tag(text: str) -> str | None:
    """A tag in its usual form, where amounts and dates can be written in that language; else
    None."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        return str(Locale.parse(text.replace("_", "-"), sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        return None
