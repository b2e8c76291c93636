"""ETag, If-Match, Cache-Control."""

import pytest
from flask.testing import FlaskClient

ORDER = "/trial/orders/ord_01h455vb4pex5vsknk084sn02q"


def test_an_unchanged_answer_is_not_sent_again(lonely: FlaskClient) -> None:
    first = lonely.get(ORDER)

    second = lonely.get(ORDER, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert (second.status_code, second.data) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize(
    ("seen", "status"),
    [(None, 200), ('"3"', 200), ("*", 200), ('"2"', 412), ('W/"3"', 412), ('"x"', 412), ("3", 412)],
)
def test_a_change_on_top_of_an_old_version_is_refused(
    lonely: FlaskClient, seen: str | None, status: int
) -> None:
    answer = lonely.patch("/trial/carts", headers={"If-Match": seen} if seen else {})

    assert answer.status_code == status
    assert answer.json is not None
    if status == 412:
        assert (answer.json["code"], answer.json["version"]) == ("version_conflict", 3)
    else:
        assert answer.headers["ETag"] == '"4"'
