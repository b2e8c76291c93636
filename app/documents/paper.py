"""A paper is rows from top to bottom; here they are put on pages and drawn. Lengths are points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4

from app.platform import pdf

MARGIN = 56.0  # 20 mm, so that a hole punch spares the text
WIDTH = A4[0] - 2 * MARGIN
BODY = 8.5
_LEADING, _GAP, _FOOT = 1.35, 3.0, 44.0


@dataclass(frozen=True)
class Column:
    """A part of the width; numbers stand at its right end."""

    width: float
    right: bool = False


@dataclass(frozen=True)
class Row:
    """Cells beside each other, each some lines of text that fit their column."""

    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...]
    size: float = BODY
    bold: bool = False
    ruled: bool = False

    @property
    def height(self) -> float:
        """How much of a page it takes."""
        return max(len(lines) for lines in self.cells) * self.size * _LEADING + _GAP


@dataclass(frozen=True)
class Block:
    """Rows that stay on one page; where it begins another, `heading` is repeated above it."""

    rows: tuple[Row, ...]
    heading: Row | None = None


@dataclass(frozen=True)
class Paper:
    """What is drawn; the foot stands on every page, `numbered` writes `page 2 of 3` there."""

    title: str
    author: str
    blocks: tuple[Block, ...]
    foot: str
    numbered: Callable[[int, int], str] = field(compare=False)

    def draw(self) -> bytes:
        """The PDF; the same paper gives the same bytes."""
        buffer = BytesIO()
        canvas = pdf.canvas(buffer, size=A4, title=self.title, author=self.author)
        pages = _paginate(self.blocks)
        for number, rows in enumerate(pages, start=1):
            top = A4[1] - MARGIN
            for row in rows:
                _draw_row(canvas, row, top)
                top -= row.height
            _draw_foot(canvas, self.foot, self.numbered(number, len(pages)))
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()


def row(columns: Sequence[Column], *texts: str | Sequence[str], **style: Any) -> Row:
    """A row of texts, each wrapped into its column; a sequence begins each of its texts anew."""
    drawn = Row(tuple(columns), (), **style)
    cells = tuple(
        tuple(
            line
            for part in ([text] if isinstance(text, str) else text)
            for line in _fitted(part, column, drawn)
        )
        for text, column in zip(texts, columns, strict=True)
    )
    return replace(drawn, cells=tuple(lines or ("",) for lines in cells))


def space(height: float) -> Row:
    """An empty row of about this height."""
    return Row((Column(WIDTH),), (("",),), size=height / _LEADING)


def _fitted(text: str, column: Column, style: Row) -> list[str]:
    font = pdf.BOLD if style.bold else pdf.REGULAR
    return pdf.wrapped(text, within=column.width - _GAP, size=style.size, font=font)


def _paginate(blocks: Sequence[Block]) -> list[list[Row]]:
    room = A4[1] - 2 * MARGIN - _FOOT
    pages: list[list[Row]] = [[]]
    left = room
    for block in blocks:
        needed = sum(each.height for each in block.rows)
        if needed > left and pages[-1]:
            pages.append([block.heading] if block.heading else [])
            left = room - sum(each.height for each in pages[-1])
        pages[-1] += block.rows
        left -= needed
    return pages


def _draw_row(canvas: Any, drawn: Row, top: float) -> None:
    font = pdf.BOLD if drawn.bold else pdf.REGULAR
    canvas.setFont(font, drawn.size)
    if drawn.ruled:
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, top + _GAP / 2, MARGIN + WIDTH, top + _GAP / 2)
    start = MARGIN
    for column, lines in zip(drawn.columns, drawn.cells, strict=True):
        for place, line in enumerate(lines, start=1):
            base = top - place * drawn.size * _LEADING + drawn.size * (_LEADING - 1)
            if column.right:
                canvas.drawRightString(start + column.width, base, line)
            else:
                canvas.drawString(start, base, line)
        start += column.width


def _draw_foot(canvas: Any, foot: str, number: str) -> None:
    size = BODY - 1.5
    canvas.setFont(pdf.REGULAR, size)
    lines = pdf.wrapped(foot, within=WIDTH - 90, size=size)[:3]
    for place, line in enumerate(lines):
        canvas.drawString(MARGIN, MARGIN - place * size * _LEADING, line)
    canvas.drawRightString(MARGIN + WIDTH, MARGIN, pdf.plain(number))
