"""Goods come back: asked for, decided, received, refunded; each unit once."""

from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.accounts.models import Merchant
from app.inventory.errors import WarehouseNotFound
from app.orders.errors import (
    LinesOfSeveralMerchants,
    MoreThanAnnounced,
    NotTheReturnsTurn,
    RefundAmbiguous,
    RefundUnderWay,
    ReturnNotFound,
    ShipmentUnderWay,
    TooManyUnits,
    UnknownLine,
)
from app.orders.service import returns
from app.orders.states import Decision
from app.payments.models import Refund
from app.platform.errors import DomainError
from app.platform.ids import encode, new_id
from app.saga.models import Incident
from tests.factories import make_warehouse
from tests.orders.conftest import Bought, Desk

pytestmark = pytest.mark.usefixtures("audited")

MONTHS = 61 * 24 * 3600


def _sent(desk: Desk, qty: int = 2) -> Bought:
    order = desk.buy(qty)
    desk.ship(order)
    return order


def test_goods_that_come_back_are_refunded_and_lie_on_the_shelf(desk: Desk) -> None:
    order = _sent(desk)

    asked = desk.ask_return(order, {1: 1}, reason="too small")
    states = [desk.returned(asked).status]
    desk.decide(asked)
    states.append(desk.returned(asked).status)
    desk.receive(asked, {1: (1, 1)})

    done = desk.returned(asked)
    refund = desk.row(Refund, done.refund_id)
    assert [*states, done.status] == ["requested", "approved", "refunded"]
    assert (refund.state, refund.amount, refund.reason) == ("confirmed", 5_000, "too small")
    assert desk.money(order) == ("captured", 10_490, 5_000)
    assert desk.stock() == (9, 0)
    assert desk.state(order) == "shipped"
    assert desk.payloads("stock.returned") == [
        {
            "sku_id": str(desk.shop.sku.id), "qty": 1,
            "warehouse_id": str(desk.ledger("return")[0].warehouse_id),
        }
    ]  # fmt: skip
    assert desk.told("return.") == [
        "return.requested", "return.approved", "return.received", "return.refunded",
    ]  # fmt: skip
    assert [line for line in desk.story(asked) if line.endswith("succeeded")] == [
        "approve:succeeded", "receive:succeeded", "refund:succeeded",
    ]  # fmt: skip


def test_what_is_no_longer_good_is_written_off_and_refunded_all_the_same(desk: Desk) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 2})
    desk.decide(asked)

    desk.receive(asked, {1: (2, 0)})

    assert desk.returned(asked).status == "refunded"
    assert desk.money(order)[2] == 10_000
    assert desk.stock() == (8, 0)


def test_only_what_was_received_is_refunded_and_the_rest_can_be_sent_back_later(
    desk: Desk,
) -> None:
    order = _sent(desk, 3)
    asked = desk.ask_return(order, {1: 3})
    desk.decide(asked)
    with pytest.raises(TooManyUnits):
        desk.ask_return(order, {1: 1})

    desk.receive(asked, {1: (2, 1)})
    later = desk.ask_return(order, {1: 1})

    assert desk.money(order)[2] == 10_000
    assert desk.stock() == (8, 0)
    assert desk.returned(later).status == "requested"


def test_goods_may_be_put_in_another_warehouse_of_the_merchant(desk: Desk) -> None:
    other = desk.rival()
    with desk.wired.db.transaction() as session:
        place = make_warehouse(session, merchant_id=desk.shop.sku.merchant_id, name="Annex").id
        foreign = make_warehouse(session, merchant_id=other.merchant_id).id
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 1})
    desk.decide(asked)

    with pytest.raises(WarehouseNotFound):
        desk.receive(asked, {1: (1, 1)}, warehouse_id=foreign)
    desk.receive(asked, {1: (1, 1)}, warehouse_id=place)

    assert desk.returned(asked).warehouse_id == place
    assert desk.stock() == (9, 0)


def test_a_return_that_is_refused_ends_there(desk: Desk) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 1})

    desk.decide(asked, Decision.REFUSED)

    refused = desk.returned(asked)
    assert (refused.status, refused.state, refused.decision_reason) == (
        "refused", "failed", "so it is",
    )  # fmt: skip
    assert desk.told("return.") == ["return.requested", "return.refused"]
    assert desk.money(order)[2] == 0
    assert desk.returned(desk.ask_return(order, {1: 2})).status == "requested"


@pytest.mark.parametrize("approved", [False, True])
def test_a_customer_may_keep_the_goods_until_they_have_arrived(desk: Desk, approved: bool) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 1})
    if approved:
        desk.decide(asked)

    desk.call_off(asked)

    assert (desk.returned(asked).status, desk.returned(asked).state) == ("canceled", "canceled")
    assert desk.told("return.")[-1] == "return.canceled"
    with pytest.raises(NotTheReturnsTurn):
        desk.receive(asked, {1: (1, 1)})
    assert desk.stock() == (8, 0)


@pytest.mark.parametrize("approved", [False, True])
def test_a_return_whose_goods_never_come_expires(desk: Desk, approved: bool) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 2})
    if approved:
        desk.decide(asked)

    desk.till.pass_time(MONTHS)
    desk.shop.sweep()

    assert desk.returned(asked).status == "expired"
    assert desk.told("return.") == [
        "return.requested", *(["return.approved"] if approved else []), "return.expired",
    ]  # fmt: skip
    assert desk.returned(desk.ask_return(order, {1: 2})).status == "requested"


@pytest.mark.parametrize("decision", Decision)
def test_what_is_decided_on_the_last_day_counts(desk: Desk, decision: Decision) -> None:
    asked = desk.ask_return(_sent(desk), {1: 1})
    desk.till.pass_time(60 * 24 * 3600 - 30)
    with desk.wired.db.transaction() as session:
        returns.decide(session, asked, decision, actor="merchant", reason="so it is")

    desk.till.pass_time(60)
    desk.shop.sweep()

    assert desk.returned(asked).status == decision.value
    assert "return.expired" not in desk.told("return.")


def test_goods_that_arrive_on_the_last_day_are_booked(desk: Desk) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 1})
    desk.decide(asked)
    desk.till.pass_time(60 * 24 * 3600 - 30)
    desk.receive(asked, {1: (1, 1)}, at_once=False)

    desk.till.pass_time(60)
    desk.shop.sweep()

    assert desk.returned(asked).status == "refunded"


def test_acts_out_of_turn_are_refused_and_change_nothing(desk: Desk) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 1})

    refused = []
    with pytest.raises(NotTheReturnsTurn) as early:
        desk.receive(asked, {1: (1, 1)})
    refused.append(early.value.facts["stands"])
    desk.decide(asked)
    with pytest.raises(NotTheReturnsTurn) as twice:
        desk.decide(asked, Decision.REFUSED)
    refused.append(twice.value.facts["stands"])
    desk.receive(asked, {1: (1, 1)})
    for act in (desk.call_off, lambda one: desk.receive(one, {1: (1, 1)})):
        with pytest.raises(NotTheReturnsTurn) as late:
            act(asked)
        refused.append(late.value.facts["stands"])

    assert refused == ["requested", "approved", "received", "received"]
    assert desk.stock() == (9, 0)
    assert desk.money(order)[2] == 5_000


@pytest.mark.parametrize(
    ("arrived", "refusal"),
    [
        ({1: (2, 1)}, MoreThanAnnounced),
        ({1: (1, 2)}, MoreThanAnnounced),
        ({1: (0, 0)}, MoreThanAnnounced),
        ({2: (1, 1)}, UnknownLine),
    ],
)
def test_what_was_not_announced_cannot_be_received(
    desk: Desk, arrived: dict[int, tuple[int, int]], refusal: type[DomainError]
) -> None:
    order = _sent(desk)
    asked = desk.ask_return(order, {1: 1})
    desk.decide(asked)

    with pytest.raises(refusal):
        desk.receive(asked, arrived)

    assert desk.returned(asked).status == "approved"
    assert desk.stock() == (8, 0)


def test_only_units_that_have_left_can_come_back(desk: Desk) -> None:
    order = desk.buy(3)
    desk.ship(order, {1: 1})
    with pytest.raises(TooManyUnits) as not_sent:
        desk.ask_return(order, {1: 2})
    desk.begin_ship(order, {1: 1})

    with pytest.raises(ShipmentUnderWay):
        desk.ask_return(order, {1: 2})
    desk.work()

    assert not_sent.value.facts["lines"] == [{"line": 1, "left": 1}]
    assert desk.returned(desk.ask_return(order, {1: 2})).status == "requested"


def test_units_that_are_refunded_or_coming_back_cannot_come_back_again(desk: Desk) -> None:
    order = _sent(desk, 3)
    desk.refunded(order, lines={1: 1})
    desk.ask_return(order, {1: 1})

    with pytest.raises(TooManyUnits):
        desk.ask_return(order, {1: 2})
    with pytest.raises(TooManyUnits):
        desk.refund(order, lines={1: 2})
    with pytest.raises(RefundUnderWay):
        desk.refund(order)

    assert desk.returned(desk.ask_return(order, {1: 1})).status == "requested"


def test_a_return_goes_to_one_merchant(desk: Desk) -> None:
    other = desk.rival()
    order = desk.buy(1, more={other: 1})
    lines = desk.lines(order)
    for merchant_id in (desk.shop.sku.merchant_id, other.merchant_id):
        desk.ship(order, merchant_id=merchant_id)

    with pytest.raises(LinesOfSeveralMerchants):
        desk.ask_return(order, dict.fromkeys(lines.values(), 1))
    with pytest.raises(UnknownLine):
        desk.ask_return(order, {3: 1})
    asked = desk.ask_return(order, {lines[other.id]: 1})

    assert desk.returned(asked).merchant_id == other.merchant_id
    with pytest.raises(ReturnNotFound):
        desk.receive(asked, {1: (1, 1)}, merchant_id=desk.shop.sku.merchant_id)


def test_goods_of_an_order_without_money_left_come_back_for_nothing(desk: Desk) -> None:
    order = _sent(desk)
    desk.refunded(order, amount=8_000)
    asked = desk.ask_return(order, {1: 2})
    desk.decide(asked)

    desk.receive(asked, {1: (2, 2)})

    refund = desk.row(Refund, desk.returned(asked).refund_id)
    assert (refund.state, refund.amount) == ("confirmed", 2_490)
    assert desk.state(order) == "refunded"
    assert desk.stock() == (10, 0)


def test_goods_that_are_home_unpaid_cannot_be_sent_back_again(desk: Desk) -> None:
    order = _sent(desk)
    payment = desk.payment(order)
    assert payment is not None
    asked = desk.ask_return(order, {1: 1})
    desk.decide(asked)
    desk.wired.payments.repay(
        str(payment.psp_ref), 6_000, refund_id=new_id(), key="somebody at the provider"
    )

    desk.receive(asked, {1: (1, 1)})
    home = desk.returned(asked).status, desk.stock()
    with pytest.raises(TooManyUnits):
        desk.ask_return(order, {1: 2})
    paid = desk.refunded(order, amount=4_000)

    assert home == ("refund_failed", (9, 0))
    assert paid.state == "confirmed"


def _unpaid(desk: Desk) -> tuple[Bought, UUID]:
    """Goods are home, and most of their order's money went back at the provider before."""
    order = _sent(desk)
    payment = desk.payment(order)
    assert payment is not None
    asked = desk.ask_return(order, {1: 1})
    desk.decide(asked)
    desk.wired.payments.repay(
        str(payment.psp_ref), 6_000, refund_id=new_id(), key="somebody at the provider"
    )
    desk.receive(asked, {1: (1, 1)})
    return order, asked


def _incidents(desk: Desk, *, is_open: bool = True) -> list[str]:
    wanted = select(Incident.subject).where(
        Incident.kind == "refund_failed", Incident.closed_at.is_(None) == is_open
    )
    with desk.wired.db.reading() as session:
        return list(session.scalars(wanted))


def test_a_return_whose_refund_failed_says_so_and_a_person_hears_of_it(desk: Desk) -> None:
    order, asked = _unpaid(desk)

    back = desk.returned(asked)
    with desk.wired.db.reading() as session:
        incident = session.scalars(select(Incident)).one()
    assert (back.status, back.state) == ("refund_failed", "confirmed")
    assert (incident.kind, incident.subject) == ("refund_failed", str(back.refund_id))
    assert incident.detail is not None
    assert incident.detail["return"] == encode("ret", asked)
    assert incident.detail["order"] == encode("ord", order.id)
    assert desk.told("refund.") == ["refund.failed"]
    assert "return.refunded" not in desk.told("return.")


def test_the_refund_of_a_return_that_failed_is_given_anew_and_is_its_end(desk: Desk) -> None:
    order, asked = _unpaid(desk)
    failed = desk.returned(asked).refund_id
    desk.till.tell("succeeded", str(desk.till.payment().psp_ref))  # 4490 are left of the money
    desk.work()

    _give_again(desk, asked)
    begun = desk.returned(asked).status
    desk.work()

    again = desk.row(Refund, desk.returned(asked).refund_id)
    assert (begun, desk.returned(asked).status) == ("received", "refunded")
    assert (again.state, again.amount) == ("confirmed", 4_490)
    assert again.id != failed
    assert desk.stock() == (9, 0)
    assert desk.state(order) == "refunded"
    assert (_incidents(desk), _incidents(desk, is_open=False)) == ([], [str(failed)])
    assert desk.told("return.")[-1] == "return.refunded"


def test_a_refund_that_fails_again_can_be_given_once_more(desk: Desk) -> None:
    _, asked = _unpaid(desk)

    _give_again(desk, asked)
    desk.work()

    assert desk.returned(asked).status == "refund_failed"
    assert _incidents(desk) == [str(desk.returned(asked).refund_id)]
    _give_again(desk, asked)


def test_no_refund_is_given_anew_but_one_that_failed(desk: Desk) -> None:
    asked = desk.ask_return(_sent(desk), {1: 1})
    stands = []
    for act in (lambda: desk.decide(asked), lambda: desk.receive(asked, {1: (1, 1)}), None):
        with pytest.raises(NotTheReturnsTurn) as refused:
            _give_again(desk, asked)
        stands.append(refused.value.facts["stands"])
        if act is not None:
            act()

    assert stands == ["requested", "approved", "refunded"]
    assert desk.repayments() == [5_000]


def test_units_that_lie_on_the_shelf_already_are_not_restocked_by_another_refund(
    desk: Desk,
) -> None:
    order, _ = _unpaid(desk)

    with pytest.raises(RefundAmbiguous):
        desk.refund(order, lines={1: 1}, restock=True)
    with pytest.raises(RefundAmbiguous):
        desk.refund(order, restock=True)

    assert desk.stock() == (9, 0)


def _give_again(desk: Desk, return_id: UUID) -> None:
    with desk.wired.db.transaction(desk.wired.queue) as session:
        returns.give_back_again(session, return_id, actor="merchant")


def test_a_paid_order_of_which_nothing_was_sent_has_nothing_to_send_back(desk: Desk) -> None:
    with desk.wired.db.transaction() as session:
        session.execute(update(Merchant).values(settings={"capture": "automatic"}))
    order = desk.buy(1)
    desk.publish()

    with pytest.raises(TooManyUnits):
        desk.ask_return(order, {1: 1})

    assert desk.told("return.") == []
