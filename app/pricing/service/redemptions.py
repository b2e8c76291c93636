"""The uses of coupons: held with the order, used when it is confirmed, given back when it is not.

Lock order of everyone who takes or gives back: the saga's row, its order, stock rows, then coupons
by id. Who has a coupon's row alone writes its counters, its customers' and its redemptions' rows;
a redemption only turns from held to used without it, under its own saga's row. The counters are
written by conditional UPDATE all the same: what is planned under the lock cannot be more than what
the rows allow.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Text,
    Uuid,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.platform.db import ShopSession
from app.platform.errors import DomainError
from app.platform.ids import new_id
from app.platform.metrics import COUPONS
from app.platform.rows import unnested
from app.pricing.errors import (
    CouponExpired,
    CouponUsedByCustomer,
    CouponUsedUp,
)
from app.pricing.models import Coupon, CouponCustomer, CouponRedemption
from app.pricing.promotions import unknown
from app.pricing.queries import in_window
from app.pricing.states import CouponStatus, RedemptionStatus


class CountersBroken(RuntimeError):
    """A bug: uses planned under the coupon's lock did not fit its counters."""


@dataclass(frozen=True)
class Take:
    """One use of a coupon by one checkout; `amount` is what it takes off, in minor units."""

    checkout_id: UUID
    coupon_id: UUID
    customer_key: str
    amount: int


def take(session: ShopSession, takes: Sequence[Take]) -> dict[UUID, DomainError]:
    """Hold one use for each of these checkouts; gives by checkout why one does not get it.

    They are served in the order given. One that does not fit fails alone, and nothing is written
    for it. A checkout takes one coupon, once: the table refuses a second.
    """
    if not takes:
        return {}
    coupons = _locked(session, {each.coupon_id for each in takes})
    used = Counter({coupon_id: row.used for coupon_id, row in coupons.items()})
    by_customer = _used_by_customers(session, takes)
    refused: dict[UUID, DomainError] = {}
    plan: list[Take] = []
    for each in takes:
        customer = (each.coupon_id, each.customer_key)
        refusal = _refusal(coupons[each.coupon_id], used[each.coupon_id], by_customer[customer])
        if refusal is not None:
            refused[each.checkout_id] = refusal
            continue
        used[each.coupon_id] += 1
        by_customer[customer] += 1
        plan.append(each)
    if plan:
        _write(session, plan)
    _count(session, held=len(plan), refused=len(refused))
    return refused


def use(session: ShopSession, checkout_ids: Collection[UUID]) -> None:
    """Keep for good what these confirmed checkouts hold; the counters stand already."""
    if not checkout_ids:
        return
    kept = session.execute(
        update(CouponRedemption)
        .where(*_held_by(checkout_ids))
        .values(status=RedemptionStatus.USED, updated_at=func.shop_now())
        .returning(CouponRedemption.id)
        .execution_options(synchronize_session=False)
    ).all()
    _count(session, used=len(kept))


def give_back(session: ShopSession, checkout_ids: Collection[UUID]) -> None:
    """Give back what these undone checkouts hold. Only held uses are, so a repeat gives nothing
    back twice, and a used one stays used."""
    if not checkout_ids:
        return
    held = session.scalars(
        select(CouponRedemption.coupon_id).where(*_held_by(checkout_ids)).distinct()
    ).all()
    if not held:
        return
    _locked(session, set(held))
    freed = session.execute(
        update(CouponRedemption)
        .where(*_held_by(checkout_ids))
        .values(status=RedemptionStatus.RELEASED, updated_at=func.shop_now())
        .returning(CouponRedemption.coupon_id, CouponRedemption.customer_key)
        .execution_options(synchronize_session=False)
    ).all()
    for coupon_id, times in sorted(Counter(row.coupon_id for row in freed).items()):
        session.execute(
            update(Coupon).where(Coupon.id == coupon_id).values(used=Coupon.used - times)
        )
    for (coupon_id, key), times in sorted(Counter(tuple(row) for row in freed).items()):
        customer = and_(CouponCustomer.coupon_id == coupon_id, CouponCustomer.customer_key == key)
        session.execute(
            update(CouponCustomer).where(customer).values(used=CouponCustomer.used - times)
        )
    _count(session, released=len(freed))


def _locked(
    session: ShopSession, coupon_ids: Collection[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """Lock coupons until the transaction ends, by id; gives their counters as they are now."""
    rows = session.execute(
        select(
            Coupon.id, Coupon.used, Coupon.uses_max, Coupon.uses_per_customer,
            (Coupon.status == CouponStatus.ACTIVE).label("active"),
            in_window(Coupon.valid_from, Coupon.valid_until).label("in_window"),
        )
        .where(Coupon.id.in_(coupon_ids))
        .order_by(Coupon.id)
        .with_for_update()
    )  # fmt: skip
    return {row.id: row for row in rows}


def _used_by_customers(session: ShopSession, takes: Sequence[Take]) -> Counter[tuple[UUID, str]]:
    """How often each customer holds or used each coupon. Asked with the coupons locked."""
    pairs = {(each.coupon_id, each.customer_key) for each in takes}
    rows = session.execute(
        select(CouponCustomer.coupon_id, CouponCustomer.customer_key, CouponCustomer.used).where(
            tuple_(CouponCustomer.coupon_id, CouponCustomer.customer_key).in_(sorted(pairs))
        )
    )
    return Counter({(row.coupon_id, row.customer_key): row.used for row in rows})


def _refusal(coupon: Row[*tuple[Any, ...]], used: int, by_customer: int) -> DomainError | None:
    if not coupon.active:
        return unknown()
    if not coupon.in_window:
        return CouponExpired("This coupon's time is over.")
    if coupon.uses_max is not None and used >= coupon.uses_max:
        return CouponUsedUp("This coupon has no use left.")
    if coupon.uses_per_customer is not None and by_customer >= coupon.uses_per_customer:
        return CouponUsedByCustomer("You have used this coupon as often as one may.")
    return None


def _write(session: ShopSession, plan: Sequence[Take]) -> None:
    """Count the uses and write them down. Raises CountersBroken where a counter says no."""
    fits = 0
    for coupon_id, times in sorted(Counter(each.coupon_id for each in plan).items()):
        free = or_(Coupon.uses_max.is_(None), Coupon.used + times <= Coupon.uses_max)
        taken = session.execute(
            update(Coupon)
            .where(Coupon.id == coupon_id, free)
            .values(used=Coupon.used + times)
            .returning(Coupon.id)
            .execution_options(synchronize_session=False)
        )
        fits += times * len(taken.all())
    customers = Counter((each.coupon_id, each.customer_key) for each in plan)
    if fits != len(plan) or _count_customers(session, customers) != len(customers):
        raise CountersBroken("uses planned under the coupon's lock did not fit its counters")
    rows = [{"id": new_id(), **vars(each)} for each in plan]
    session.execute(insert(CouponRedemption), rows)


def _count_customers(session: ShopSession, times: Mapping[tuple[UUID, str], int]) -> int:
    """Count these uses by customer; gives how many customers could have them."""
    counts = sorted(times.items())
    given = unnested(
        "given",
        {
            "coupon_id": (Uuid(), [coupon_id for (coupon_id, _), _ in counts]),
            "customer_key": (Text(), [key for (_, key), _ in counts]),
            "used": (BigInteger(), [count for _, count in counts]),
        },
    )
    row = insert(CouponCustomer).from_select([*given.c.keys()], select(*given.c))
    most = (
        select(Coupon.uses_per_customer)
        .where(Coupon.id == CouponCustomer.coupon_id)
        .scalar_subquery()
    )
    together = CouponCustomer.used + row.excluded.used
    taken = session.execute(
        row.on_conflict_do_update(
            index_elements=["coupon_id", "customer_key"],
            set_={"used": together},
            where=or_(most.is_(None), together <= most),
        ).returning(CouponCustomer.coupon_id)
    )
    return len(taken.all())


def _held_by(checkout_ids: Collection[UUID]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    mine = CouponRedemption.checkout_id == func.any(literal(list(checkout_ids), ARRAY(Uuid())))
    return mine, CouponRedemption.status == RedemptionStatus.HELD


def _count(session: ShopSession, **outcomes: int) -> None:
    for outcome, times in outcomes.items():
        if times:
            session.afterwards(partial(COUPONS.labels(outcome=outcome).inc, times))
