"""The label of a parcel: one A6 page, who sends what to whom, its number as Code 128.

The same parcel gives the same bytes. Lengths are points (1/72 inch), from bottom left.
Source of the quiet zone: ISO/IEC 15417, ten times the narrowest bar on either side.
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.pagesizes import A6

from app.platform.pdf import BOLD, REGULAR, canvas, plain, width, wrapped
from app.shipping.ports import Content, Parcel

MEDIA_TYPE = "application/pdf"

_WIDTH, _HEIGHT = A6
_MARGIN = 18.0
_INSIDE = _WIDTH - 2 * _MARGIN
_BAR_WIDTH, _BAR_HEIGHT = 0.85, 44.0
_FOOT = _MARGIN + _BAR_HEIGHT + 16.0
_SMALL, _NORMAL, _LARGE = 7.0, 9.0, 12.0
_LINES_OF_ADDRESS = 9
_LINES_OF_SENDER = 4


def draw(parcel: Parcel, number: str) -> bytes:
    """Print the label of a parcel that goes by this tracking number."""
    buffer = BytesIO()
    page = canvas(buffer, size=A6, title=f"Parcel {number}", author=parcel.sender["name"])
    pen = _Pen(page)
    pen.write(_address(parcel.sender), size=_SMALL, lines_max=_LINES_OF_SENDER)
    pen.rule()
    pen.write(_address(parcel.recipient), size=_LARGE, lines_max=_LINES_OF_ADDRESS, font=BOLD)
    pen.rule()
    order = f"Order {parcel.order_number} · {parcel.service} · {parcel.weight_g / 1000:.2f} kg"
    pen.write([order], size=_NORMAL, lines_max=2)
    pen.write(_contents(parcel.contents), size=_SMALL, lines_max=pen.room_for(_SMALL))
    _bars(page, number)
    page.showPage()
    page.save()
    return buffer.getvalue()


class _Pen:
    """Writes lines from the top of the page down."""

    def __init__(self, page: Any) -> None:
        self._page, self._y = page, _HEIGHT - _MARGIN

    def write(
        self, texts: Iterable[str], *, size: float, lines_max: int, font: str = REGULAR
    ) -> None:
        """Write texts, each broken where it is too long; what is more than fits ends with dots."""
        lines = [
            line
            for text in texts
            if plain(text)
            for line in wrapped(text, within=_INSIDE, size=size, font=font)
        ]
        if len(lines) > lines_max:
            lines = [*lines[: max(lines_max - 1, 0)], "…"]
        self._page.setFont(font, size)
        for line in lines:
            self._y -= size * 1.25
            self._page.drawString(_MARGIN, self._y, line)

    def rule(self) -> None:
        """A line across, with air around it."""
        self._y -= 6
        self._page.line(_MARGIN, self._y, _WIDTH - _MARGIN, self._y)
        self._y -= 2

    def room_for(self, size: float) -> int:
        """How many lines still fit above the bars."""
        return int((self._y - _FOOT) / (size * 1.25))


def _address(party: Mapping[str, Any]) -> list[str]:
    town = f"{party.get('postal_code') or ''} {party.get('city') or ''}"
    named = [party.get(part) for part in ("name", "warehouse", "line1", "line2")]
    place = [town, party.get("region"), party.get("country"), party.get("phone")]
    return [str(text) for text in (*named, *place) if text]


def _contents(contents: Iterable[Content]) -> list[str]:
    return [f"{content.qty} × {content.code} {content.name}" for content in contents]


def _bars(page: Any, number: str) -> None:
    bars = Code128(number, barWidth=_BAR_WIDTH, barHeight=_BAR_HEIGHT, quiet=False)
    bars.drawOn(page, (_WIDTH - bars.width) / 2, _MARGIN + 12)
    page.setFont(BOLD, _NORMAL)
    page.drawString((_WIDTH - width(number, size=_NORMAL, font=BOLD)) / 2, _MARGIN, number)
