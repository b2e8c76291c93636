"""A label can be printed, read by a scanner and by a person, whatever Europe's people are
called."""

from typing import Any

import pypdfium2
import pytest
import zxingcpp

from app.platform.ids import new_id
from app.shipping import label
from app.shipping.ports import Content, Parcel
from tests.factories import ADDRESS

NUMBER = "CW7ZK3M0Q9V4T8XB2D"
NAMES = [
    "Žofie Łukaszewska-Ångström",
    "Þórbjörg Ðorđević Ğünay İçöz",
    "Γιώργος Παπαδόπουλος",
    "Володимир Ґалаґан Їжакевич",
    "Љубица Његош Ћирић",
    "Nguyễn Thị Hằng",
    "Zoe\u0308 d\u2019Arc",  # the accent is a character of its own
]


def _parcel(**given: Any) -> Parcel:
    values: dict[str, Any] = {
        "merchant_id": new_id(),
        "service": "standard",
        "currency": "EUR",
        "weight_g": 1_250,
        "sender": {"name": "Blue Barn", "warehouse": "Main", "city": "Köln", "country": "DE"},
        "recipient": ADDRESS,
        "order_number": "100001",
        "contents": [Content("BOOT-42", "Walking boot", 2)],
    }
    return Parcel(**values | given)


def _text(pdf: bytes) -> str:
    page = pypdfium2.PdfDocument(pdf)[0]
    return str(page.get_textpage().get_text_bounded())


def test_a_scanner_reads_the_number_from_the_printed_label() -> None:
    pdf = label.draw(_parcel(), NUMBER)

    page = pypdfium2.PdfDocument(pdf)[0]
    (found,) = zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil())

    assert found.text == NUMBER
    assert found.format == zxingcpp.BarcodeFormat.Code128


def test_a_person_reads_who_sends_what_to_whom() -> None:
    text = _text(label.draw(_parcel(), NUMBER))

    for words in ("Blue Barn", "Köln", "Ada Lovelace", "10117 Berlin", "100001", NUMBER):
        assert words in text
    assert "2 × BOOT-42 Walking boot" in text
    assert "1.25 kg" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_european_name_is_printed_as_it_is_written(name: str) -> None:
    text = _text(label.draw(_parcel(recipient=ADDRESS | {"name": name}), NUMBER))

    assert name.replace("e\u0308", "ë") in text.replace("\r\n", " ")
    assert "\N{REPLACEMENT CHARACTER}" not in text


def test_the_same_parcel_is_the_same_bytes() -> None:
    parcel = _parcel()

    assert label.draw(parcel, NUMBER) == label.draw(parcel, NUMBER)


def test_what_is_too_much_for_a_label_does_not_reach_the_bars() -> None:
    long = {part: f"{part} " * 60 for part in ("name", "line1", "line2", "city", "region")}
    contents = [Content(f"CODE-{n}", "A very long name of a thing " * 8, n + 1) for n in range(90)]
    pdf = label.draw(_parcel(recipient=ADDRESS | long, contents=contents), NUMBER)

    document = pypdfium2.PdfDocument(pdf)
    (found,) = zxingcpp.read_barcodes(document[0].render(scale=300 / 72).to_pil())

    assert (len(document), found.text) == (1, NUMBER)
