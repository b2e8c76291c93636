"""Every refusal is a problem, whoever refuses."""

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app import wiring
from app.platform.db import Database
from app.web.problems import field_errors
from app.wiring import Providers

SHELVES = "/trial/shelves"


def test_a_problem_says_what_happened_and_whether_to_try_again(caller: FlaskClient) -> None:
    answer = caller.post(SHELVES, json={"name": "sold out"})

    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["type"] == "/problems/out_of_stock"
    assert answer.json["title"] == "Out of stock"
    assert answer.json["code"] == "out_of_stock"
    assert answer.json["status"] == 409
    assert answer.json["retry"] == {"retryable": False, "after_seconds": None}
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_facts_of_a_refusal_carry_public_ids(caller: FlaskClient) -> None:
    answer = caller.post(SHELVES, json={"name": "sold out"})

    assert answer.json is not None
    assert re.fullmatch("sku_[0-9a-z]{26}", answer.json["lines"][0]["sku_id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 21}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "nul \0"}, "name"),
        ({"name": "half \ud800"}, "name"),
        ({"name": "x", "qty": 0}, "qty"),
        ({"name": "x", "qty": -1}, "qty"),
        ({"name": "x", "qty": 10**12}, "qty"),
        ({"name": "x", "qty": "3"}, "qty"),
        ({"name": "x", "qty": 1.5}, "qty"),
        ({"name": "x", "qty": True}, "qty"),
        ({"name": "x", "qty": 1e400}, ""),
        ({"name": "x", "order_id": "sku_01h455vb4pex5vsknk084sn02q"}, "order_id"),
        ({"name": "x", "order_id": 7}, "order_id"),
        ({"name": "x", "surprise": 1}, "surprise"),
        (["name"], ""),
        ("name", ""),
    ],
)
def test_a_field_that_is_not_acceptable_is_named(
    lonely: FlaskClient, body: object, field: str
) -> None:
    answer = lonely.post(SHELVES, json=body)

    assert answer.json is not None
    if body == {"name": "x", "qty": float("inf")}:  # `Infinity` is not JSON
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_json")
        return
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert field in [error["field"] for error in answer.json["errors"]]


@pytest.mark.parametrize(
    "body",
    [b"{", b"{'name': 1}", b"\xff\xfe", b"[" * 100_000, b'{"qty": NaN}', b'{"qty": ' + b"9" * 5000],
)
def test_what_is_not_json_is_refused_as_such(lonely: FlaskClient, body: bytes) -> None:
    answer = lonely.post(SHELVES, data=body, content_type="application/json")

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(lonely: FlaskClient, media_type: str) -> None:
    answer = lonely.post(SHELVES, data=b'{"name": "x"}', content_type=media_type)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_a_body_above_the_limit_is_refused(lonely: FlaskClient) -> None:
    body = b'{"name": "' + b"x" * 256 * 1024 + b'"}'

    answer = lonely.post(SHELVES, data=body, content_type="application/json")

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


def test_an_unknown_path_is_not_found(lonely: FlaskClient) -> None:
    answer = lonely.get("/v1/nothing")

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_another_method_is_refused_and_the_allowed_ones_are_named(lonely: FlaskClient) -> None:
    answer = lonely.delete(SHELVES)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_bug_answers_500_and_tells_nothing_of_itself(caller: FlaskClient) -> None:
    answer = caller.post(SHELVES, json={"name": "broken"})

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "hunter22" not in answer.text


def test_a_database_that_is_away_answers_503_with_a_time_to_return(
    caller: FlaskClient, providers: Providers
) -> None:
    gone = Database("postgresql+psycopg://shop@127.0.0.1:1/none")
    wiring.use(replace(providers, db=gone))

    answer = caller.get("/trial/sleep")

    gone.dispose()
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.json["retry"]["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/trial/orders/ord_1",
        "/trial/orders/sku_01h455vb4pex5vsknk084sn02q",
        "/trial/orders/ord_81h455vb4pex5vsknk084sn02q",
        "/trial/orders/ord_01h455vb4pex5vsknk084sn02u",
        "/trial/orders/%00",
    ],
)
def test_a_path_that_holds_no_id_of_its_kind_is_not_found(lonely: FlaskClient, path: str) -> None:
    answer = lonely.get(path)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_an_id_in_a_path_reaches_the_view_as_a_uuid(lonely: FlaskClient) -> None:
    answer = lonely.get("/trial/orders/ord_01h455vb4pex5vsknk084sn02q")

    assert answer.json == {"id": "01890a5d-ac96-774b-bcce-b302099a8057"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "page=2", "after=%00"])
def test_a_query_argument_that_is_not_acceptable_is_refused(
    lonely: FlaskClient, query: str
) -> None:
    answer = lonely.get(f"{SHELVES}?{query}")

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["field"] == query.split("=")[0]


def test_nested_messages_become_a_flat_list_of_fields() -> None:
    messages = {"json": {"lines": {0: {"qty": ["Too few.", "Odd."]}}, "_schema": ["Whole."]}}

    found = field_errors(messages)

    assert found == [
        {"field": "lines.0.qty", "detail": "Too few."},
        {"field": "lines.0.qty", "detail": "Odd."},
        {"field": "", "detail": "Whole."},
    ]


def test_a_sane_request_id_is_kept_and_another_is_replaced(lonely: FlaskClient) -> None:
    kept = lonely.get("/nothing", headers={"X-Request-Id": "gateway-12345678"})
    replaced = lonely.get("/nothing", headers={"X-Request-Id": "<script>"})

    assert kept.headers["X-Request-Id"] == "gateway-12345678"
    assert replaced.headers["X-Request-Id"].startswith("req_")


def test_answers_tell_browsers_to_be_careful(lonely: FlaskClient) -> None:
    headers = lonely.get("/nothing").headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
