"""Public ids: canonical, typed, and sorted by the time they were made."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platform.ids import decode, encode, new_id


@given(st.uuids())
def test_an_id_comes_back_as_it_went_out(value: UUID) -> None:
    assert decode("ord", encode("ord", value)) == value


def test_the_specification_s_own_example_is_understood() -> None:
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    assert encode("prefix", value) == "prefix_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord_",
        "ord",
        "prd_01h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02",
        "ord_81h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02u",
        "ORD_01H455VB4PEX5VSKNK084SN02Q",
        "ord_01h455vb4pex5vsknk084sn02q ",
    ],
)
def test_anything_not_canonical_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="not a ord id"):
        decode("ord", text)


def test_new_ids_are_version_seven_and_never_the_same() -> None:
    made = [new_id() for _ in range(1_000)]

    assert len(set(made)) == 1_000
    assert {value.version for value in made} == {7}
    assert made[0].int >> 80 <= made[-1].int >> 80
