"""The languages letters are written in: English in the templates, every other one a catalog.

A catalog is a gettext file `locales/<language>.po`, read as it is: to add a language, add its file.
Amounts, dates and countries are written by the rules of the reader's own region (CLDR, by Babel).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from babel.support import Translations

from app.platform.languages import known_tag
from app.platform.money import Money

SOURCE = "en"
_CATALOGS = files("app.notifications").joinpath("locales")


@dataclass(frozen=True)
class Speech:
    """How one reader is spoken to: `language` has a catalog, `locale` may add the region."""

    language: str
    locale: Locale

    @property
    def tag(self) -> str:
        """What stands in `lang` and Content-Language."""
        return str(self.locale).replace("_", "-")

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return str(self.locale.text_direction)

    def money(self, amount: Money) -> str:
        """An amount with its currency, every place of it."""
        return format_currency(amount.decimal(), amount.currency, locale=self.locale)

    def number(self, count: int) -> str:
        """A whole number."""
        return format_decimal(count, locale=self.locale)

    def day(self, at: date | datetime) -> str:
        """A day in words, in UTC."""
        return format_date(at, format="long", locale=self.locale)

    def country(self, code: str) -> str:
        """The name of a country, or its code where it has none."""
        return str(self.locale.territories.get(code, code))

    def listed(self, names: Sequence[str]) -> str:
        """Names in a row, with the language's own `and`."""
        return format_list(list(names), locale=self.locale) if names else ""


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Every language letters are written in, the templates' own first."""
    found = {path.name.removesuffix(".po") for path in _CATALOGS.iterdir()}
    return (SOURCE, *sorted(name for name in found if known_tag(name) == name and name != SOURCE))


@lru_cache(maxsize=256)
def speech(tag: str) -> Speech:
    """How a reader of this language tag is spoken to; a language nobody has translated becomes
    English."""
    known = known_tag(tag)
    wanted = Locale.parse(known, sep="-") if known else Locale.parse(SOURCE)
    # The most exact catalog first: `pt-BR` has its own before that of `pt`.
    parts = (str(wanted).replace("_", "-"), wanted.language)
    language = next((part for part in parts if part in languages()), SOURCE)
    return Speech(language, wanted if wanted.language in language else Locale.parse(SOURCE))


@lru_cache
def translations(language: str) -> NullTranslations:
    """What a language says instead of the English words."""
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalog(language))
    compiled.seek(0)
    return Translations(compiled)


def catalog(language: str) -> Catalog:
    """The catalog of a language as its translators wrote it."""
    with _CATALOGS.joinpath(f"{language}.po").open("rb") as source:
        return read_po(source, locale=language.replace("-", "_"), abort_invalid=True)
