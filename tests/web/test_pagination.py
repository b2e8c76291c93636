"""Lists continue by a signed cursor."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from app.inventory.models import Warehouse
from app.platform.db import Database
from app.platform.ids import new_id
from app.web.pagination import BrokenCursor, decode_cursor, encode_cursor

SHELVES = "/trial/shelves"


@pytest.fixture
def _wired(lonely: FlaskClient) -> None:
    """The providers of a door; cursors are signed with its secret."""


def test_following_next_shows_every_row_once(caller: FlaskClient, db: Database) -> None:
    with db.transaction() as session:
        session.add_all(Warehouse(name=str(n), country="DE", priority=1) for n in range(7))

    seen, after = [], ""
    while after is not None:
        answer = caller.get(f"{SHELVES}?limit=3{after and '&after=' + after}")
        assert answer.json is not None
        seen += [row["name"] for row in answer.json["data"]]
        after = answer.json["next"]

    assert sorted(seen) == [str(n) for n in range(7)]


def test_a_full_last_page_has_no_next(caller: FlaskClient, db: Database) -> None:
    with db.transaction() as session:
        session.add_all(Warehouse(name=str(n), country="DE", priority=1) for n in range(3))

    answer = caller.get(f"{SHELVES}?limit=3")

    assert answer.json is not None
    assert answer.json["next"] is None


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%C3%BC", "e30", "-_-_" * 40, "="])
def test_a_broken_cursor_is_refused_as_one(lonely: FlaskClient, cursor: str) -> None:
    answer = lonely.get(f"{SHELVES}?after={cursor}")

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "broken_cursor")
    assert answer.json["errors"][0]["field"] == "after"


@pytest.mark.usefixtures("_wired")
def test_a_cursor_gives_back_what_went_in() -> None:
    values = [new_id(), datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "ü", 7, 1.5, None]

    assert decode_cursor("orders", encode_cursor("orders", values)) == values


@pytest.mark.usefixtures("_wired")
def test_a_cursor_of_another_list_or_changed_by_hand_is_broken() -> None:
    cursor = encode_cursor("products:price", [100])

    with pytest.raises(BrokenCursor):
        decode_cursor("products:-price", cursor)
    with pytest.raises(BrokenCursor):
        decode_cursor("products:price", cursor[:-2] + "AA")
