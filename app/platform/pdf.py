"""PDF pages that are the same bytes for the same words, in fonts that have Europe's letters.

Latin, Greek and Cyrillic are set, each accent on its letter. A character that the fonts lack is
printed as �; right-to-left scripts are not set. Lengths are points (1/72 inch), from bottom left.
"""

import threading
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

REGULAR, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
_FONTS = Path(__file__).parent / "fonts"
_LACKING = "\N{REPLACEMENT CHARACTER}"
_registering = threading.Lock()


def canvas(buffer: IO[bytes], *, size: tuple[float, float], title: str, author: str) -> Any:
    """An empty document of this page size that can be set in REGULAR and BOLD.

    Nothing in it tells when it was drawn, so that drawing again gives the same bytes.
    """
    _glyphs()
    page = Canvas(buffer, pagesize=size, invariant=1)
    page.setTitle(plain(title))
    page.setAuthor(plain(author))
    page.setProducer("Cartwright")
    return page


def plain(text: str) -> str:
    """The text as it can be printed on one line: composed, without control characters."""
    known = _glyphs()
    letters = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(
        letter if ord(letter) in known else _LACKING
        for letter in letters
        if unicodedata.category(letter) not in ("Cc", "Cf")
    )


def width(text: str, *, size: float, font: str = REGULAR) -> float:
    """How wide a printable text is."""
    _glyphs()
    return float(pdfmetrics.stringWidth(text, font, size))


def wrapped(text: str, *, within: float, size: float, font: str = REGULAR) -> list[str]:
    """The text in lines no wider than `within`, broken at blanks, and in a word that is too long.

    Always at least one line, and every letter of the text.
    """
    lines = [""]
    for word in plain(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width(longer, size=size, font=font) <= within:
            lines[-1] = longer
            continue
        kept = lines if lines[-1] else []
        lines = kept + _broken(word, within=within, size=size, font=font)
    return lines


def _broken(word: str, *, within: float, size: float, font: str) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and width(pieces[-1] + letter, size=size, font=font) > within:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _glyphs() -> frozenset[int]:
    """The characters that can be printed. The fonts are registered first, once a process: a second
    registration would take them away from a document that is being drawn."""
    with _registering:
        return _register()


@lru_cache(maxsize=1)
def _register() -> frozenset[int]:
    faces = []
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))
        faces.append(frozenset(pdfmetrics.getFont(name).face.charToGlyph))
    return frozenset.intersection(*faces)
