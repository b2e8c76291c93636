"""The words of papers, in the languages they are drawn in, and amounts and days as read there."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from app.platform.languages import known_tag
from app.platform.money import Money

SOURCE = "en"
_MILLION = 1_000_000
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "invoice": "Invoice",
        "receipt": "Receipt",
        "invoice_number": "Invoice number",
        "issued": "Date of invoice",
        "order_number": "Order number",
        "ordered": "Date of order",
        "supplied": "Date of supply",
        "supplied_later": "day of dispatch",
        "vat_id": "VAT ID",
        "item": "Item",
        "qty": "Qty",
        "price": "Unit price",
        "discount": "Discount",
        "tax": "Tax",
        "net": "Net",
        "gross": "Gross",
        "total": "Total",
        "items": "Items",
        "shipping": "Shipping",
        "tax_added": "Tax added",
        "included": "included in the prices",
        "added": "added to the prices",
        "no_tax": "no tax",
        "tax_note": "Each line is taxed by itself and rounded half up.",
        "page": "Page {page} of {pages}",
        "day": "Day",
        "what": "What happened",
        "reference": "Reference",
        "amount": "Amount",
        "authorized": "Payment authorized",
        "captured": "Payment taken",
        "refunded": "Payment given back",
        "paid": "Paid",
        "kept": "Paid in all",
        "payment": "Payment",
        "days_in_utc": "Days are those of UTC.",
    },
    "de": {
        "invoice": "Rechnung",
        "receipt": "Zahlungsbeleg",
        "invoice_number": "Rechnungsnummer",
        "issued": "Rechnungsdatum",
        "order_number": "Bestellnummer",
        "ordered": "Bestelldatum",
        "supplied": "Leistungsdatum",
        "supplied_later": "Tag des Versands",
        "vat_id": "USt-IdNr.",
        "item": "Artikel",
        "qty": "Menge",
        "price": "Einzelpreis",
        "discount": "Rabatt",
        "tax": "Steuer",
        "net": "Netto",
        "gross": "Brutto",
        "total": "Gesamtbetrag",
        "items": "Artikel",
        "shipping": "Versand",
        "tax_added": "Zuzüglich Steuer",
        "included": "in den Preisen enthalten",
        "added": "kommt zu den Preisen hinzu",
        "no_tax": "ohne Steuer",
        "tax_note": "Jede Position ist für sich versteuert und kaufmännisch gerundet.",
        "page": "Seite {page} von {pages}",
        "day": "Tag",
        "what": "Vorgang",
        "reference": "Kennung",
        "amount": "Betrag",
        "authorized": "Zahlung genehmigt",
        "captured": "Zahlung eingezogen",
        "refunded": "Zahlung erstattet",
        "paid": "Gezahlt",
        "kept": "Insgesamt gezahlt",
        "payment": "Zahlung",
        "days_in_utc": "Tage nach UTC.",
    },
}


@dataclass(frozen=True)
class Words:
    """How a paper speaks to its reader."""

    language: str
    locale: Locale

    def say(self, word: str, **given: int) -> str:
        """A word or phrase. Raises KeyError for one that nobody wrote down."""
        return WORDS[self.language][word].format(**given)

    def money(self, minor: int, currency: str) -> str:
        """An amount of minor units with its currency, every place of it."""
        amount = Money(minor, currency).decimal()
        return str(format_currency(amount, currency, locale=self.locale))

    def number(self, count: int) -> str:
        """A whole number."""
        return str(format_decimal(count, locale=self.locale))

    def day(self, at: str) -> str:
        """The day of an ISO 8601 time, in UTC."""
        return str(format_date(datetime.fromisoformat(at), format="medium", locale=self.locale))

    def country(self, code: str) -> str:
        """The name of a country, or its code where it has none."""
        return str(self.locale.territories.get(code, code))

    def tax(self, name: str, rate_ppm: int) -> str:
        """A tax with its rate; the name stands alone where it ends with a rate already."""
        if name.rstrip().endswith("%"):
            return name
        percent = format_percent(
            rate_ppm / _MILLION, locale=self.locale, decimal_quantization=False
        )
        return f"{name} {percent}"


@lru_cache(maxsize=256)
def words(tag: str) -> Words:
    """How to speak to a reader of this language tag; a language nobody has written down becomes
    English."""
    known = known_tag(tag)
    wanted = Locale.parse(known, sep="-") if known else Locale.parse(SOURCE)
    spoken = wanted.language in WORDS
    return Words(wanted.language, wanted) if spoken else Words(SOURCE, Locale.parse(SOURCE))
