"""Turns a letter's template and its words into a subject, a text part and an HTML part.

A letter is one template, written twice: `parts.txt` and `parts.html` hold the same macros, so that
both parts say the same, in every language.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.notifications.languages import Speech, speech, translations

Format = Literal["html", "txt"]
ENDING = ".jinja"
_FOLDER = "templates"
_LINES_APART = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")
_BLANK_ENDS = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True)
class Rendered:
    """What one letter says, in one language."""

    subject: str
    text: str
    html: str
    speech: Speech


def render(template: str, tag: str, words: Mapping[str, Any]) -> Rendered:
    """Write a letter in the reader's language.

    Raises jinja2.TemplateError for a template that is not there or asks for a word nobody gave.
    """
    spoken = speech(tag)
    plain, rich = environment(spoken, "txt"), environment(spoken, "html")
    letter = plain.get_template(f"{template}{ENDING}")
    subject = "".join(letter.blocks["subject"](letter.new_context(dict(words))))
    known = {**words, "subject": " ".join(subject.split())}
    return Rendered(
        subject=known["subject"],
        text=_tidy(letter.render(known)),
        html=rich.get_template(f"{template}{ENDING}").render(known),
        speech=spoken,
    )


@lru_cache(maxsize=1)
def templates() -> tuple[str, ...]:
    """The names of all letters there are templates for."""
    found = files("app.notifications").joinpath(_FOLDER).iterdir()
    return tuple(sorted(path.name.removesuffix(ENDING) for path in found if _is_letter(path.name)))


@lru_cache(maxsize=64)
def environment(spoken: Speech, form: Format) -> Environment:
    """Jinja2 for one language and one part: its words, its formats, its macros."""
    made = Environment(
        loader=PackageLoader("app.notifications", _FOLDER),
        extensions=["jinja2.ext.i18n"],
        autoescape=select_autoescape((), (), default=form == "html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(translations(spoken.language), newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {
        "money": spoken.money,
        "number": spoken.number,
        "day": spoken.day,
        "country": spoken.country,
        "listed": spoken.listed,
    }
    made.globals |= {"speech": spoken, "layout": f"layout.{form}"}
    parts = made.get_template(f"parts.{form}").module
    made.globals |= {name: part for name, part in vars(parts).items() if not name.startswith("_")}
    return made


def _is_letter(name: str) -> bool:
    return name.endswith(ENDING)


def _tidy(text: str) -> str:
    """At most one empty line in a row, none at the ends, no blanks at the end of a line."""
    return _LINES_APART.sub("\n\n", _BLANK_ENDS.sub("", text)).strip() + "\n"
