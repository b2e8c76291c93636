"""What PostgreSQL cannot answer alone: the money at the provider, the counters of the gate."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.inventory.gate import Gate
from app.operations import audit
from app.operations.invariants import NUMBERS
from app.platform.ids import new_id
from app.platform.money import Money
from app.platform.redis import ShopRedis, connect
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.conftest import Clock
from tests.journeys.conftest import Shop
from tests.operations.conftest import ASKS_THE_SHOPPER, Sold, Spoil

NO_GRACE = timedelta(0)


def _audit(providers: Providers, *, grace: timedelta = NO_GRACE) -> audit.Report:
    return audit.of_everything(providers.db, providers.gate, providers.payments, grace=grace)


def _found(providers: Providers, **given: Any) -> set[tuple[int, str]]:
    return {(each.invariant, each.name) for each in _audit(providers, **given).breaches}


def _hold(providers: Providers) -> str:
    """Money held at the provider for a payment nobody knows; gives its reference."""
    request = providers.payments.authorization(
        Money(1_000, "EUR"),
        token="pm_card_visa",
        payment_id=new_id(),
        checkout_id=new_id(),
        order_id=new_id(),
        return_url="https://shop.example/return",
    )
    return str(providers.payments.authorize(request, key=str(new_id())).reference)


def test_every_invariant_holds_in_a_shop_that_has_sold(sold: Sold, providers: Providers) -> None:
    report = _audit(providers)

    assert report.holds
    assert report.invariants == NUMBERS | {4, 8}
    assert report.looked_at["holds at the provider"] == 2
    assert report.looked_at["SKUs at the gate"] == 1


def test_money_held_without_a_payment_is_found_once_older_than_the_grace(
    shop: Shop, providers: Providers
) -> None:
    reference = _hold(providers)

    fresh, old = _audit(providers, grace=timedelta(seconds=60)), _audit(providers)

    assert fresh.breaches == ()
    (breach,) = old.breaches
    assert (breach.invariant, breach.name) == (4, "hold_without_payment")
    assert breach.subject == reference
    assert breach.detail == "1000 EUR authorized, and there is no payment of it"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("amount = amount + 1", "hold_of_another_amount"),
        ("currency = 'USD'", "hold_of_another_amount"),
        ("status = 'voided'", "hold_of_dead_payment"),
        ("captured = 1", "charge_of_another_amount"),
        ("psp_ref = 'pi_other'", "hold_beside_another"),
    ],
)
@pytest.mark.unaudited
def test_a_payment_unlike_its_hold_is_found(
    sold: Sold, spoil: Spoil, providers: Providers, change: str, name: str
) -> None:
    spoil(f"UPDATE payments SET {change} WHERE order_id = %(first)s", **sold.names)

    assert (4, name) in _found(providers)


def test_a_payment_whose_money_is_not_held_is_found(
    sold: Sold, providers: Providers, intent_of: Callable[[str], str]
) -> None:
    providers.payments.void(intent_of(sold.first["id"]), key="behind our back")

    (breach,) = _audit(providers).breaches

    assert (breach.invariant, breach.name) == (4, "payment_not_held")
    assert "is authorized, and the provider says canceled" in breach.detail


@pytest.mark.unaudited("change_not_announced")
def test_money_of_an_old_hold_is_looked_at_when_its_payment_changes(
    sold: Sold, spoil: Spoil, providers: Providers, clock: Clock
) -> None:
    clock.advance(3 * 24 * 3600)
    untouched = _audit(providers)

    spoil(
        "UPDATE payments SET captured = 1, updated_at = shop_now() WHERE order_id = %(first)s",
        **sold.names,
    )

    assert untouched.looked_at["holds at the provider"] == 0
    changed = _audit(providers)
    assert changed.looked_at["holds at the provider"] == 1
    assert (4, "charge_of_another_amount") in {(e.invariant, e.name) for e in changed.breaches}


def test_an_old_payment_that_changed_and_is_not_held_any_more_is_found(
    sold: Sold,
    spoil: Spoil,
    providers: Providers,
    clock: Clock,
    intent_of: Callable[[str], str],
) -> None:
    providers.payments.void(intent_of(sold.first["id"]), key="behind our back")
    clock.advance(3 * 24 * 3600)

    spoil("UPDATE payments SET updated_at = shop_now() WHERE order_id = %(first)s", **sold.names)

    assert (4, "payment_not_held") in _found(providers)


def test_a_shopper_who_is_still_at_the_bank_owes_nothing(
    buy: Callable[..., dict[str, Any]], providers: Providers
) -> None:
    buy(token=ASKS_THE_SHOPPER)

    assert _found(providers) == set()


def test_a_counter_that_drifted_is_found(
    sold: Sold, providers: Providers, redis: ShopRedis
) -> None:
    providers.gate.load([sold.shop.sku.id])
    redis.incrby(f"{{g0}}:free:{sold.shop.sku.id}", 5)

    (breach,) = _audit(providers).breaches

    assert (breach.invariant, breach.name) == (8, "gate_counter_drifted")
    assert breach.detail == "the gate would admit 12 units where 7 are right"


def test_what_does_not_answer_is_unknown_and_does_not_hold(
    sold: Sold, providers: Providers, psp: RunningServer
) -> None:
    away = Gate(connect("redis://127.0.0.1:1/0"), providers.db, providers.gate._demand)
    psp.close(keep_emulator=True)

    report = audit.of_everything(providers.db, away, providers.payments, grace=NO_GRACE)

    assert report.breaches == ()
    assert not report.holds
    assert set(report.unknown) == {4, 8}


def test_nobody_is_asked_for_money_where_no_provider_is_named(
    sold: Sold, providers: Providers, psp: RunningServer
) -> None:
    psp.close(keep_emulator=True)

    report = audit.of_everything(providers.db, providers.gate, None)

    assert report.holds
    assert 4 not in report.invariants
