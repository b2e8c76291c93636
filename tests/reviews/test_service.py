"""Who may say what of a product, and what shoppers see of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.accounts.models import Merchant, MerchantStatus, User
from app.catalog.errors import ProductNotFound
from app.catalog.models import Product, ProductStatus, Sku
from app.catalog.service import average
from app.operations import audit
from app.platform.db import Database
from app.platform.ids import encode, new_id
from app.reviews import queries, service
from app.reviews.errors import (
    AlreadyReviewed,
    NotABuyer,
    OwnProduct,
    ReviewChanged,
    ReviewNotFound,
)
from app.reviews.models import Review
from app.reviews.queries import ReviewSort
from app.reviews.service import ReviewDraft
from app.reviews.states import ReviewStatus
from app.shipping.states import ShipmentStatus
from tests.documents.trade import sell, send
from tests.factories import make_sku, make_user
from tests.reviews.conftest import Say, facts, rating_of

pytestmark = pytest.mark.unaudited(
    "order_not_paid_once",
    "order_unlike_parcels",
    "parcel_unlike_saga",
    "saga_unlike_journal",
    "units_left_unlike_fulfilled",
    "units_of_order_not_held",
)

DRAFT = ReviewDraft(4, "Fine", "Dry feet.")
OPS = "user:ops"


def _write(db: Database, sku: Sku, user: User, draft: ReviewDraft = DRAFT) -> Review:
    with db.transaction() as session:
        return service.write(
            session, sku.product_id, user_id=user.id, merchant_id=None, draft=draft
        )


def test_a_review_waits_for_a_moderator_before_it_counts(
    db: Database, sku: Sku, buyer: Callable[..., User]
) -> None:
    review = _write(db, sku, buyer())

    assert review.status is ReviewStatus.PENDING
    assert review.order_id is not None
    assert rating_of(db, sku) == (0, 0)


@pytest.mark.parametrize("status", [None, ShipmentStatus.PENDING, ShipmentStatus.CANCELED])
def test_who_was_not_sent_the_product_may_not_review_it(
    db: Database, sku: Sku, status: ShipmentStatus | None
) -> None:
    with db.transaction() as session:
        user = make_user(session)
        order = sell(session, (sku, 1), user_id=user.id)
        if status is not None:
            send(session, order, sku.merchant_id, status=status)

    with pytest.raises(NotABuyer):
        _write(db, sku, user)


def test_being_sent_another_product_of_the_merchant_is_not_enough(db: Database, sku: Sku) -> None:
    with db.transaction() as session:
        merchant = session.get_one(Merchant, sku.merchant_id)
        other = make_sku(session, merchant=merchant, stock=5)
        user = make_user(session)
        order = sell(session, (other, 1), user_id=user.id)
        send(session, order, sku.merchant_id)

    with pytest.raises(NotABuyer):
        _write(db, sku, user)


def test_a_person_says_one_thing_of_a_product(
    db: Database, sku: Sku, buyer: Callable[..., User]
) -> None:
    user = buyer()
    first = _write(db, sku, user)

    with pytest.raises(AlreadyReviewed) as refusal:
        _write(db, sku, user)

    assert refusal.value.facts == {"review_id": encode("rev", first.id)}


def test_a_person_who_says_it_twice_at_once_said_it_once(
    db: Database, sku: Sku, buyer: Callable[..., User]
) -> None:
    user = buyer()

    with ThreadPoolExecutor(max_workers=4) as pool:
        said = [pool.submit(_write, db, sku, user) for _ in range(4)]
        refusals = [each.exception() for each in said]

    assert sorted(type(each).__name__ for each in refusals) == [
        "AlreadyReviewed", "AlreadyReviewed", "AlreadyReviewed", "NoneType",
    ]  # fmt: skip


def test_a_merchants_people_do_not_review_what_they_sell(
    db: Database, sku: Sku, buyer: Callable[..., User]
) -> None:
    user = buyer()

    with db.transaction() as session, pytest.raises(OwnProduct):
        service.write(
            session,
            sku.product_id,
            user_id=user.id,
            merchant_id=sku.merchant_id,
            draft=DRAFT,
        )


def test_what_is_not_for_sale_is_not_reviewed(
    db: Database, sku: Sku, buyer: Callable[..., User]
) -> None:
    user = buyer()
    with db.transaction() as session:
        session.get_one(Product, sku.product_id).status = ProductStatus.ARCHIVED

    with pytest.raises(ProductNotFound):
        _write(db, sku, user)

    with db.transaction() as session:
        session.get_one(Product, sku.product_id).status = ProductStatus.ACTIVE
        session.get_one(Merchant, sku.merchant_id).status = MerchantStatus.SUSPENDED
    with pytest.raises(ProductNotFound):
        _write(db, sku, user)


@pytest.mark.parametrize(
    ("name", "anonymous", "shown"),
    [
        ("Ada Lovelace", False, "Ada L."),
        ("Ada", False, "Ada"),
        ("  Ada   King  Lovelace ", False, "Ada L."),
        ("Éva Ősz", False, "Éva Ő."),
        ("", False, ""),
        ("Ada Lovelace", True, ""),
    ],
)
def test_an_author_is_a_first_name_and_an_initial_or_nobody(
    db: Database, sku: Sku, buyer: Callable[..., User], name: str, anonymous: bool, shown: str
) -> None:
    review = _write(db, sku, buyer(name), ReviewDraft(5, anonymous=anonymous))

    assert review.author == shown


def test_publishing_and_rejecting_move_the_rating_and_are_announced(
    db: Database, sku: Sku, say: Say
) -> None:
    first, second, third = say(5), say(4), say(4, published=False)
    two = rating_of(db, sku)

    with db.transaction() as session:
        service.publish(session, third.id, moderator=OPS)
    three = rating_of(db, sku)
    with db.transaction() as session:
        service.reject(session, first.id, moderator=OPS, reason="Not about the boot.")
    without = rating_of(db, sku)

    assert (two, three, without) == ((4.5, 2), (4.33, 3), (4.0, 2))
    with db.reading() as session:
        assert facts(session, "review.published") == [
            str(each.id) for each in (first, second, third)
        ]
        assert facts(session, "product.updated") == [str(sku.product_id)] * 4


def test_deciding_the_same_again_changes_and_announces_nothing(
    db: Database, sku: Sku, say: Say
) -> None:
    review = say(5)

    with db.transaction() as session:
        again = service.publish(session, review.id, moderator="user:another")

    assert again.moderated_by == OPS
    with db.reading() as session:
        assert len(facts(session, "review.published")) == 1
        assert len(facts(session, "product.updated")) == 1


def test_what_is_changed_waits_again_and_does_not_count_meanwhile(
    db: Database, sku: Sku, say: Say
) -> None:
    review = say(5)

    with db.transaction() as session:
        changed = service.change(
            session, review.id, user_id=review.user_id, changes={"rating": 1, "text": "It broke."}
        )

    assert (changed.status, changed.version) == (ReviewStatus.PENDING, 2)
    assert (changed.rating, changed.title, changed.text) == (1, "Fine", "It broke.")
    assert (changed.moderated_by, changed.moderation_reason) == (None, None)
    assert rating_of(db, sku) == (0, 0)


def test_nothing_is_published_that_its_moderator_has_not_read(
    db: Database, sku: Sku, say: Say
) -> None:
    review = say(5, published=False)
    with db.transaction() as session:
        service.change(session, review.id, user_id=review.user_id, changes={"text": "Rude."})

    with db.transaction() as session, pytest.raises(ReviewChanged):
        service.publish(session, review.id, moderator=OPS, version=1)

    assert rating_of(db, sku) == (0, 0)


def test_what_is_withdrawn_is_gone_and_counts_no_more(db: Database, sku: Sku, say: Say) -> None:
    kept, gone = say(3), say(5)

    with db.transaction() as session:
        assert service.withdraw(session, gone.id, user_id=gone.user_id) == sku.product_id

    assert rating_of(db, sku) == (3.0, 1)
    with db.reading() as session:
        assert queries.find_review(session, kept.id).id == kept.id
        with pytest.raises(ReviewNotFound):
            queries.find_review(session, gone.id)


@pytest.mark.parametrize("act", ["change", "withdraw"])
def test_nobody_touches_what_another_wrote(
    db: Database, say: Say, buyer: Callable[..., User], act: str
) -> None:
    review, stranger = say(5), buyer()
    given = {"changes": {"rating": 1}} if act == "change" else {}

    with db.transaction() as session, pytest.raises(ReviewNotFound):
        getattr(service, act)(session, review.id, user_id=stranger.id, **given)


def test_a_rating_is_no_write_of_its_merchant(db: Database, sku: Sku, say: Say) -> None:
    say(5)

    with db.reading() as session:
        assert session.get_one(Product, sku.product_id).version == 1


def test_moderators_at_once_leave_the_rating_of_all_they_published(
    db: Database, sku: Sku, say: Say
) -> None:
    waiting = [say(1 + place % 5, published=False) for place in range(12)]

    def decide(place: int) -> None:
        review = waiting[place // 2]
        with db.transaction() as session:
            if place % 3 == 2:
                service.reject(session, review.id, moderator=OPS, reason="Rude.")
            else:
                service.publish(session, review.id, moderator=OPS)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(decide, range(24)))

    with db.reading() as session:
        shown = queries.published(
            session, sku.product_id, sort=ReviewSort.NEWEST, rating=None, after=None, limit=100
        )
    stars = [review.rating for review in shown]
    assert len(stars) >= 4
    assert rating_of(db, sku) == (average({each: stars.count(each) for each in stars}), len(stars))
    assert [each for each in audit.of_database(db).breaches if each.invariant == 12] == []


def test_a_buyer_who_changes_it_while_it_is_published_leaves_the_rating_right(
    db: Database, sku: Sku, say: Say
) -> None:
    reviews = [say(5, published=False) for _ in range(6)]

    def publish(review: Review) -> None:
        with db.transaction() as session:
            service.publish(session, review.id, moderator=OPS)

    def change(review: Review) -> None:
        with db.transaction() as session:
            service.change(session, review.id, user_id=review.user_id, changes={"rating": 1})

    with ThreadPoolExecutor(max_workers=8) as pool:
        acts = [pool.submit(act, review) for review in reviews for act in (publish, change)]
        assert [each.exception() for each in acts] == [None] * 12

    assert [each for each in audit.of_database(db).breaches if each.invariant == 12] == []


@pytest.mark.parametrize(
    ("stars", "mean"),
    [({}, 0.0), ({5: 0}, 0.0), ({5: 1}, 5.0), ({4: 7, 5: 1}, 4.13), ({1: 2, 2: 1}, 1.33)],
)
def test_a_mean_is_rounded_half_up_to_two_places(stars: dict[int, int], mean: float) -> None:
    assert average(stars) == mean


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (ReviewSort.NEWEST, [3, 2, 1, 0]),
        (ReviewSort.OLDEST, [0, 1, 2, 3]),
        (ReviewSort.HIGHEST, [2, 0, 3, 1]),
        (ReviewSort.LOWEST, [1, 3, 0, 2]),
    ],
)
def test_reviews_are_read_page_by_page_in_a_total_order(
    db: Database, sku: Sku, say: Say, sort: ReviewSort, order: list[int]
) -> None:
    made = [say(4).id, say(1).id, say(5).id, say(2).id]

    read: list[Review] = []
    with db.reading() as session:
        for _ in made:
            after = queries.position(read[-1], sort) if read else None
            read += queries.published(
                session, sku.product_id, sort=sort, rating=None, after=after, limit=1
            )

    assert [review.id for review in read] == [made[place] for place in order]


def test_stars_are_counted_for_every_number_of_them(db: Database, sku: Sku, say: Say) -> None:
    for rating in (5, 5, 2):
        say(rating)
    say(1, published=False)

    with db.reading() as session:
        assert queries.stars_of(session, sku.product_id) == {1: 0, 2: 1, 3: 0, 4: 0, 5: 2}
        assert queries.stars_of(session, new_id()) == dict.fromkeys(queries.STARS, 0)
