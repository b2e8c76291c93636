"""Text as papers and labels print it: whole, composed, and never wider than its place."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.platform import pdf

A_TO_Z = some.text(some.characters(min_codepoint=32, max_codepoint=0x24F), max_size=80)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Łódź, Čeština, Größe, Ελλάδα, Київ €", "Łódź, Čeština, Größe, Ελλάδα, Київ €"),
        ("e\u0301", "é"),
        ("two\nlines\tand  blanks\u00a0", "two lines and blanks"),
        ("a\x07b\u200bc\u202ed", "abcd"),
        ("靴", "\N{REPLACEMENT CHARACTER}"),
        ("", ""),
    ],
)
def test_text_is_made_printable(text: str, printed: str) -> None:
    assert pdf.plain(text) == printed


@given(A_TO_Z, some.floats(20, 200))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, within: float) -> None:
    lines = pdf.wrapped(text, within=within, size=9)

    assert lines
    assert "".join(lines).replace(" ", "") == pdf.plain(text).replace(" ", "")
    assert all(pdf.width(line, size=9) <= within for line in lines)


def test_the_same_page_is_the_same_bytes_in_either_font() -> None:
    def drawn(text: str) -> bytes:
        buffer = BytesIO()
        page = pdf.canvas(buffer, size=(200, 200), title="Title", author="Author")
        for height, font in ((100, pdf.REGULAR), (50, pdf.BOLD)):
            page.setFont(font, 9)
            page.drawString(10, height, text)
        page.save()
        return buffer.getvalue()

    assert drawn("Łódź") == drawn("Łódź")
    assert drawn("Łódź") != drawn("Lodz")
