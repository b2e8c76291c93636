"""One JSON line an event, with ids and without secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.platform import logging as shop_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What this process logs."""
    stream = io.StringIO()
    shop_logging.configure("INFO", stream=stream)
    shop_logging.forget()
    yield stream
    shop_logging.forget()
    shop_logging.configure("WARNING")


def _last(lines: io.StringIO) -> dict[str, object]:
    return dict(json.loads(lines.getvalue().strip().splitlines()[-1]))


def test_a_line_carries_the_ids_of_its_request(lines: io.StringIO) -> None:
    shop_logging.bind(request_id="req_1", checkout_id=None)
    with shop_logging.bound(order_id="ord_1"):
        structlog.stdlib.get_logger("shop").info("paid", amount=1999)
    paid = _last(lines)

    logging.getLogger("library").warning("after")

    assert (paid["event"], paid["amount"]) == ("paid", 1999)
    assert (paid["request_id"], paid["order_id"]) == ("req_1", "ord_1")
    assert "checkout_id" not in paid
    assert _last(lines)["request_id"] == "req_1"
    assert "order_id" not in _last(lines)


@pytest.mark.parametrize(
    "facts",
    [
        {"authorization": "Bearer hunter22"},
        {"headers": {"Authorization": "hunter22", "X-Cart-Token": "hunter22"}},
        {"password": "hunter22"},
        {"stripe_api_key": "hunter22"},
        {"payment_method_token": "hunter22"},
        {"rows": [{"client_secret": "hunter22"}]},
        {"url": "redis://shop:hunter22@cache:6379/0"},
        {"said": "Authorization was Bearer hunter22hunter22"},
        {"said": "key sk_test_hunter22hunter22"},
        {"said": "whsec_hunter22hunter22"},
        {"said": "cwr_hunter22hunter22"},
        {"said": "duplicate key\nDETAIL:  Key (email)=(hunter22) already exists."},
        {"said": "eyJhbGciOiJFZERTQSJ9.hunter22.hunter22"},
    ],
)
def test_a_secret_is_never_written(lines: io.StringIO, facts: dict[str, object]) -> None:
    structlog.stdlib.get_logger("shop").info("seen", **facts)
    logging.getLogger("library").info("seen", extra=facts)

    assert len(lines.getvalue().splitlines()) == 2
    assert "hunter22" not in lines.getvalue()
    assert "[redacted]" in lines.getvalue()


def test_a_secret_in_a_traceback_or_a_message_is_not_written(lines: io.StringIO) -> None:
    try:
        _fail("postgresql://shop:hunter22@db/shop is away")
    except RuntimeError:
        logging.getLogger("library").exception("failed with Bearer %s", "hunter22hunter22")

    written = _last(lines)
    assert "RuntimeError" in str(written["exception"])
    assert "hunter22" not in lines.getvalue()


def test_what_is_no_secret_stays(lines: io.StringIO) -> None:
    structlog.stdlib.get_logger("shop").info("seen", url="redis://cache:6379/0", sku="pm_card_visa")

    assert _last(lines)["url"] == "redis://cache:6379/0"
    assert _last(lines)["sku"] == "pm_card_visa"


def _fail(reason: str) -> None:
    raise RuntimeError(reason)
