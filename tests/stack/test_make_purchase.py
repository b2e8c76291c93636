"""`make purchase`, against the running shop and without one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.accounts.models import Role
from app.accounts.passwords import Passwords
from tests.factories import make_user
from tests.stack.shop import StackShop

PASSWORD = "a password of the tests"


def _purchase(info: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "devstack.purchase", "--info", str(info)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def info(stack: StackShop, tmp_path: Path) -> Path:
    """What `make up` would have written about this stack, with people of its own."""
    stack.new_sku(stock=100)
    hashed = Passwords("cheapest").hash(PASSWORD)
    with stack.db.transaction() as session:
        people = {
            "customer": make_user(session, password_hash=hashed),
            "merchant": make_user(
                session,
                password_hash=hashed,
                role=Role.MERCHANT,
                merchant_id=stack.merchant.id,
            ),
        }
        logins = {
            name: {"email": user.email, "password": PASSWORD} for name, user in people.items()
        }
    path = tmp_path / "info.json"
    path.write_text(json.dumps({**stack.info, "pid": os.getpid(), "logins": logins}))
    return path


def test_it_walks_the_whole_road_and_tells_every_step_as_often_as_it_is_asked(
    info: Path,
) -> None:
    first = _purchase(info)
    second = _purchase(info)

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout
    for words in (
        "POST /v1/auth/login",
        "POST /v1/cart",
        "POST /v1/checkout",
        "Idempotency-Key",
        "202",
        "reserve    succeeded",
        "price      succeeded",
        "authorize  started",
        "confirm    succeeded",
        "GET /v1/orders/ord_",
        "Subject: ",
        "letter seen after",
        "POST /v1/orders/ord_",
        "capture    succeeded",
        "label      succeeded",
        "bytes of PDF",
        "order.shipped",
        "/delivered",
        "order.delivered",
        "repay      succeeded",
        "payment.refunded",
        "is delivered: ",
    ):
        assert words in first.stdout
    assert first.stderr == ""


@pytest.mark.parametrize("content", [None, "no json", "{}", '{"pid": 1}'])
def test_without_a_running_shop_it_says_so_in_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "info.json"
    if content is not None:
        path.write_text(content)

    told = _purchase(path)

    assert told.returncode == 1
    assert told.stdout == (
        "✗ No shop is running here: start it with `make up` in another terminal.\n"
    )
    assert told.stderr == ""
