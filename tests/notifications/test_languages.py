"""Every letter says the same in every language."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract

from app.notifications import languages, rendering
from app.notifications.languages import SOURCE, speech
from app.notifications.letters import LETTERS
from app.platform.languages import known_tag
from app.platform.money import Money
from tests.architecture.source import ROOT

TEMPLATES = ROOT / "app" / "notifications" / "templates"
OTHERS = [language for language in languages.languages() if language != SOURCE]
_OPTIONS = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def said() -> set[str]:
    """Every English sentence of the templates; of a plural the first form."""
    found: set[str] = set()
    for path in sorted(TEMPLATES.iterdir()):
        with path.open("rb") as source:
            for _, message, _, _ in extract("jinja2.ext:babel_extract", source, options=_OPTIONS):
                found.add(message if isinstance(message, str) else message[0])
    return found


def translated(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """What a catalog says, by the first form of the English."""
    entries = {}
    for entry in catalog:
        if entry.id:
            forms = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)
            entries[entry.id if isinstance(entry.id, str) else entry.id[0]] = forms
    return entries


def test_there_are_two_languages_at_least():
    assert set(languages.languages()) >= {"en", "de"}


def test_every_letter_has_its_template_and_every_template_its_letter():
    assert set(rendering.templates()) == set(LETTERS)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_everything_and_nothing_else(language):
    catalog = languages.catalog(language)

    assert set(translated(catalog)) == said()
    assert [id_ for id_, forms in translated(catalog).items() if not all(forms)] == []
    assert [entry.id for entry in catalog if entry.id and entry.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_places_of_the_english_words(language):
    for english, forms in translated(languages.catalog(language)).items():
        for form in forms:
            assert set(_PLACEHOLDER.findall(form)) == set(_PLACEHOLDER.findall(english)), english


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_brings_no_markup_of_its_own(language):
    everything = [
        form for forms in translated(languages.catalog(language)).values() for form in forms
    ]

    assert [form for form in everything if re.search(r"[<>&]", form)] == []


@pytest.mark.parametrize(
    ("tag", "language", "spoken"),
    [
        ("de", "de", "de"),
        ("de-AT", "de", "de-AT"),
        ("DE_ch", "de", "de-CH"),
        ("en-GB", "en", "en-GB"),
        ("fr", "en", "en"),
        ("no such thing", "en", "en"),
        ("", "en", "en"),
        ("../../etc/passwd", "en", "en"),
    ],
)
def test_a_reader_is_spoken_to_in_the_nearest_language(tag, language, spoken):
    found = speech(tag)

    assert (found.language, found.tag) == (language, spoken)


def test_amounts_follow_the_readers_region():
    amount = Money(123_456, "EUR")

    assert speech("en").money(amount) == "€1,234.56"
    assert speech("de").money(amount) == "1.234,56\xa0€"
    assert speech("de-AT").money(amount) == "€\xa01.234,56"


@pytest.mark.parametrize("tag", ["de", "de-AT", "zh-Hant-TW", "en-150"])
def test_a_tag_of_a_known_language_is_known(tag):
    assert known_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", "*", "xx-nothing", "a" * 80, "de;q=1", "\0"])
def test_anything_else_is_no_language(tag):
    assert known_tag(tag) is None
