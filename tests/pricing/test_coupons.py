"""Uses of coupons are taken and given back as sets; who does not fit fails alone."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.platform.db import Database, ShopSession
from app.pricing import service
from app.pricing.models import Coupon, CouponCustomer, CouponRedemption
from app.pricing.queries import coupon_terms
from app.pricing.service import Take
from app.pricing.states import CouponStatus
from tests.factories import make_checkout, make_coupon

pytestmark = pytest.mark.unaudited("redemption_unlike_checkout", "saga_unlike_journal")

ADA, BEA = "ada@example.com", "bea@example.com"


def new_coupon(db: Database, **given: object) -> UUID:
    with db.transaction() as session:
        return make_coupon(session, **given).id


def new_takes(db: Database, coupon_id: UUID, *customers: str) -> list[Take]:
    with db.transaction() as session:
        return [Take(make_checkout(session).id, coupon_id, each, 500) for each in customers]


def take(db: Database, *takes: Take) -> list[str | None]:
    """The refusals' codes, in the order of the takes."""
    with db.transaction() as session:
        refused = service.take(session, takes)
    codes = {checkout_id: refusal.code for checkout_id, refusal in refused.items()}
    return [codes.get(each.checkout_id) for each in takes]


def give_back(db: Database, *takes: Take) -> None:
    with db.transaction() as session:
        service.give_back(session, [each.checkout_id for each in takes])


def counted(session: ShopSession) -> tuple[int, dict[str, int], dict[str, int]]:
    """Uses of the only coupon, by customer, and its redemptions by status."""
    used = session.scalars(select(Coupon.used)).one()
    customers = {row.customer_key: row.used for row in session.scalars(select(CouponCustomer))}
    rows = session.execute(
        select(CouponRedemption.status, func.count()).group_by(CouponRedemption.status)
    )
    return used, customers, {str(status): times for status, times in rows}


def books(db: Database) -> tuple[int, dict[str, int], dict[str, int]]:
    with db.reading() as session:
        return counted(session)


def test_of_a_set_those_that_do_not_fit_fail_alone_and_write_nothing(db: Database) -> None:
    coupon_id = new_coupon(db, uses_max=3, uses_per_customer=1)
    takes = new_takes(db, coupon_id, ADA, ADA, BEA, "cy@example.com", "di@example.com")

    outcome = take(db, *takes)

    assert outcome == [None, "coupon_used_by_customer", None, None, "coupon_used_up"]
    assert books(db) == (3, {ADA: 1, BEA: 1, "cy@example.com": 1}, {"held": 3})


def test_a_set_of_several_coupons_counts_each_by_itself(db: Database) -> None:
    first, second = new_coupon(db, uses_max=1), new_coupon(db, uses_max=1)
    takes = [take_ for one in (first, second) for take_ in new_takes(db, one, ADA, BEA)]

    assert take(db, *takes) == [None, "coupon_used_up", None, "coupon_used_up"]


def test_a_coupon_without_limits_still_counts(db: Database) -> None:
    takes = new_takes(db, new_coupon(db), ADA, ADA, ADA)

    assert take(db, *takes) == [None, None, None]
    assert books(db) == (3, {ADA: 3}, {"held": 3})


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"status": CouponStatus.DISABLED}, "coupon_unknown"),
        ({"valid_until": "in the past"}, "coupon_expired"),
    ],
)
def test_a_coupon_that_ended_since_it_was_priced_is_not_taken(
    db: Database, given: dict[str, object], code: str
) -> None:
    if "valid_until" in given:
        day = timedelta(days=1)
        given = {
            "valid_from": func.shop_now() - 2 * day,
            "valid_until": func.shop_now() - day,
        }
    coupon_id = new_coupon(db, **given)

    assert take(db, *new_takes(db, coupon_id, ADA)) == [code]
    assert books(db) == (0, {}, {})


def test_what_is_given_back_can_be_used_again(db: Database) -> None:
    coupon_id = new_coupon(db, uses_max=1, uses_per_customer=1)
    (first,), (second,) = new_takes(db, coupon_id, ADA), new_takes(db, coupon_id, ADA)
    take(db, first)

    give_back(db, first)

    assert books(db) == (0, {ADA: 0}, {"released": 1})
    assert take(db, second) == [None]
    assert books(db) == (1, {ADA: 1}, {"released": 1, "held": 1})


def test_giving_back_again_gives_nothing_more(db: Database) -> None:
    coupon_id = new_coupon(db)
    takes = new_takes(db, coupon_id, ADA, BEA)
    take(db, *takes)

    for _ in range(3):
        give_back(db, takes[0])

    assert books(db) == (1, {ADA: 0, BEA: 1}, {"released": 1, "held": 1})


def test_a_used_coupon_is_not_given_back(db: Database) -> None:
    takes = new_takes(db, new_coupon(db), ADA)
    take(db, *takes)
    with db.transaction() as session:
        service.use(session, [takes[0].checkout_id])

    give_back(db, *takes)

    assert books(db) == (1, {ADA: 1}, {"used": 1})


def test_who_took_nothing_gives_nothing_back(db: Database) -> None:
    coupon_id = new_coupon(db)
    mine, other = new_takes(db, coupon_id, ADA, ADA)
    take(db, mine)

    give_back(db, other)

    assert books(db) == (1, {ADA: 1}, {"held": 1})


def test_a_checkout_takes_a_coupon_once(db: Database) -> None:
    takes = new_takes(db, new_coupon(db), ADA)
    take(db, *takes)

    with pytest.raises(IntegrityError, match="uq_coupon_redemptions_checkout_id_coupon_id"):
        take(db, *takes)

    assert books(db) == (1, {ADA: 1}, {"held": 1})


def test_a_code_is_found_in_whatever_case_it_is_written(db: Database) -> None:
    coupon_id = new_coupon(db, code="Spring10")

    with db.reading() as session:
        found = coupon_terms(session, ["sPRING10", "nothing"])

    assert {code: terms.coupon_id for code, terms in found.items()} == {"spring10": coupon_id}
    assert found["spring10"].code == "Spring10"
