"""`flask audit` and `flask trace` as an operator sees them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import wiring
from app.operations.invariants import NUMBERS
from app.platform.db import Database
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.operations.conftest import DECLINED, Sold, Spoil

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Run `flask …` in this process."""
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=list(words))


def test_an_audit_of_a_sound_shop_says_what_it_looked_at_and_exits_0(sold: Sold, run: Run) -> None:
    audit = run("audit", "--grace", "0")

    assert audit.exit_code == 0, audit.output
    assert audit.output.splitlines()[-1] == f"all {len(NUMBERS) + 2} invariants hold"
    assert "looked at 3 orders, 3 checkouts, 3 payments" in audit.output
    assert "2 holds at the provider, 1 SKUs at the gate" in audit.output
    assert "stock: 10 came = 7 available + 3 reserved + 0 sent" in audit.output


@pytest.mark.unaudited
def test_an_audit_shows_each_breach_and_exits_1(sold: Sold, spoil: Spoil, run: Run) -> None:
    spoil("UPDATE inventory SET stock_available = stock_available + 1")
    spoil("UPDATE payments SET amount = 1 WHERE order_id = %(first)s", **sold.names)

    audit = run("audit", "--no-psp")

    assert audit.exit_code == 1
    assert "available_unlike_ledger" in audit.output
    assert "order_not_paid_once" in audit.output
    assert sold.first["order"]["id"] in audit.output
    assert audit.output.splitlines()[-1] == "2 breaches of invariants 1, 3"
    assert "stock does not add up: 10 came" in audit.output


@pytest.mark.unaudited
def test_an_audit_speaks_json(sold: Sold, spoil: Spoil, run: Run) -> None:
    sound = json.loads(run("audit", "--json", "--grace", "0").output)
    spoil("UPDATE payments SET amount = 1 WHERE order_id = %(first)s", **sold.names)

    broken = run("audit", "--json", "--no-psp")

    assert sound["holds"] is True
    assert sound["invariants"] == sorted(NUMBERS | {4, 8})
    assert broken.exit_code == 1
    assert json.loads(broken.output)["breaches"] == [
        {
            "invariant": 3,
            "name": "order_not_paid_once",
            "subject": sold.first["order"]["id"],
            "detail": "0 of 1 live payments cover its 10490 EUR; exactly one should",
        }
    ]


def test_an_audit_that_cannot_ask_the_provider_says_so_and_exits_1(
    sold: Sold, run: Run, psp: RunningServer
) -> None:
    psp.close(keep_emulator=True)

    audit, without = run("audit"), run("audit", "--no-psp")

    assert audit.exit_code == 1
    assert "invariant 4 could not be checked" in audit.output
    assert (without.exit_code, without.output.splitlines()[-1]) == (
        0,
        f"all {len(NUMBERS) + 1} invariants hold",
    )


@pytest.mark.parametrize("words", [("audit",), ("trace", "100001")])
def test_without_the_database_one_clear_line_is_said(
    providers: Providers, run: Run, words: tuple[str, ...]
) -> None:
    gone = Database("postgresql+psycopg://shop@127.0.0.1:1/none")
    wiring.use(replace(providers, db=gone))

    said = run(*words)

    gone.dispose()
    assert said.exit_code == 1
    assert said.output.startswith("Error: PostgreSQL does not answer")
    assert len(said.output.splitlines()) == 1


def test_a_trace_is_a_timeline_with_times_since_the_start(sold: Sold, run: Run) -> None:
    trace = run("trace", sold.first["order"]["number"])

    assert trace.exit_code == 0, trace.output
    headline, began, *lines = trace.output.splitlines()
    assert sold.first["order"]["id"] in headline
    assert "€104.90" in headline
    assert began.startswith("began ")
    assert all(" s  " in line for line in lines)
    assert any("saga      confirm succeeded" in line for line in lines)


def test_a_trace_of_a_failure_says_why_in_its_first_line(
    buy: Callable[..., dict[str, Any]], run: Run
) -> None:
    declined = buy(token=DECLINED)

    trace = run("trace", declined["id"])

    assert trace.output.splitlines()[0].endswith("because payment_declined")


def test_a_trace_speaks_json(sold: Sold, run: Run) -> None:
    trace = run("trace", "--json", sold.first["id"])

    told = json.loads(trace.output)
    assert told["purchases"][0]["number"] == sold.first["order"]["number"]
    assert told["story"][0]["source"] == "checkout"
    assert told["story"][0]["after_seconds"] == pytest.approx(0, abs=1)
    assert {"at", "after_seconds", "source", "what", "detail"} == set(told["story"][0])


def test_a_trace_of_nothing_is_one_clear_line_and_exits_1(run: Run) -> None:
    trace = run("trace", "ord_nonsense")

    assert trace.exit_code == 1
    assert trace.output == (
        "Error: Nothing goes by 'ord_nonsense': no order, checkout, payment or cart.\n"
    )


def test_failures_and_the_funnel_are_counted_once_committed(
    sold: Sold, app: Flask, buy: Callable[..., dict[str, Any]]
) -> None:
    before = _numbers(app)

    buy()
    buy(token=DECLINED)

    after = _numbers(app)
    grown = {name: after[name] - before[name] for name in before}
    assert grown == {
        'checkout_funnel_total{stage="authorized"}': 1,
        'checkout_funnel_total{stage="confirmed"}': 1,
        'checkout_failures_total{code="payment_declined"}': 1,
    }


def _numbers(app: Flask) -> dict[str, float]:
    lines = app.test_client().get("/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    names = (
        'checkout_funnel_total{stage="authorized"}',
        'checkout_funnel_total{stage="confirmed"}',
        'checkout_failures_total{code="payment_declined"}',
    )
    return {name: float(told.get(name, 0)) for name in names}
