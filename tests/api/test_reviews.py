"""Reviews through the door: who may write, read and decide, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.models import Role, User
from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.orders.models import Order
from app.platform.ids import decode, encode, new_id
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.documents.trade import send
from tests.statements import statements

pytestmark = pytest.mark.unaudited(
    "order_unlike_parcels",
    "parcel_unlike_saga",
    "saga_unlike_journal",
    "units_left_unlike_fulfilled",
)

SAID = {"rating": 4, "title": "Dry feet", "text": "Warm.\n\nAnd light, Größe 42 \N{HIKING BOOT}"}
NOWHERE = encode("rev", new_id())


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop whose customer and guest were sent what they bought."""
    shop = street(providers, queue, client)
    _send(shop, shop.people["customer"])
    _send(shop, shop.people["guest"])
    with shop.wired.db.transaction() as session:
        user_id = decode("usr", shop.people["customer"].ids["user_id"])
        session.get_one(User, user_id).name = "Ada Lovelace"
    return shop


@pytest.fixture
def path(shop: Street) -> str:
    """Where the boot is reviewed."""
    return f"/v1/products/{shop.people['merchant'].ids['product_id']}/reviews"


@pytest.fixture
def said(shop: Street, path: str) -> dict[str, Any]:
    """What the customer said; nobody has read it yet."""
    answer = shop.people["customer"].post(path, SAID)
    assert answer.status_code == 201, answer.json
    return dict(answer.json or {})


@pytest.fixture
def decide(shop: Street) -> Callable[..., dict[str, Any]]:
    """Operations decide."""

    def decide(review: dict[str, Any], verb: str, body: Any = None) -> dict[str, Any]:
        answer = shop.people["ops"].post(f"/v1/ops/reviews/{review['id']}/{verb}", body)
        assert answer.status_code == 200, answer.json
        return dict(answer.json or {})

    return decide


def _send(shop: Street, person: Person) -> None:
    with shop.wired.db.transaction() as session:
        order = session.scalars(
            select(Order)
            .where(Order.id == decode("ord", person.ids["order_id"]))
            .options(selectinload(Order.items))
        ).one()
        send(session, order, shop.sku.merchant_id)


def _read(shop: Street, path: str, **query: Any) -> dict[str, Any]:
    answer = shop.client.get(path, query_string=query)
    assert answer.status_code == 200, answer.json
    return dict(answer.json or {})


def test_a_review_is_read_by_anyone_once_operations_have_read_it(
    shop: Street, path: str, said: dict[str, Any], decide: Callable[..., dict[str, Any]]
) -> None:
    product = path.removesuffix("/reviews")
    before, rated_before = _read(shop, path), _read(shop, product)
    decided = decide(said, "publish")
    after, rated_after = _read(shop, path), _read(shop, product)

    assert (said["status"], said["version"]) == ("pending", 1)
    assert before["data"] == []
    assert (rated_before["rating"], rated_before["rating_count"]) == (0.0, 0)
    assert decided["status"] == "published"
    assert decided["moderated_by"].startswith("user:")
    (shown,) = after["data"]
    assert (shown["author"], shown["verified"]) == ("Ada L.", True)
    assert (shown["rating"], shown["title"], shown["text"]) == tuple(SAID.values())
    assert after["summary"]["rating"] == 4.0
    assert after["summary"]["rating_count"] == 1
    assert after["summary"]["histogram"] == [
        {"stars": stars, "count": int(stars == 4)} for stars in (5, 4, 3, 2, 1)
    ]
    assert (rated_after["rating"], rated_after["rating_count"]) == (4.0, 1)


def test_shoppers_are_told_neither_who_wrote_nor_what_it_was_bought_with(
    shop: Street, path: str, said: dict[str, Any], decide: Callable[..., dict[str, Any]]
) -> None:
    decide(said, "publish")

    (shown,) = _read(shop, path)["data"]

    assert not {"user_id", "order_id", "moderated_by", "status"} & set(shown)


def test_a_review_may_be_written_under_nobodys_name(
    shop: Street, path: str, decide: Callable[..., dict[str, Any]]
) -> None:
    said = shop.people["customer"].post(path, {"rating": 5, "anonymous": True}).json or {}
    decide(said, "publish")

    (shown,) = _read(shop, path)["data"]

    assert (shown["author"], shown["title"], shown["text"]) == ("anonymous", "", "")


def test_a_review_under_a_key_is_written_once(shop: Street, path: str) -> None:
    first = shop.people["customer"].post(path, SAID, Idempotency_Key="once")
    again = shop.people["customer"].post(path, SAID, Idempotency_Key="once")
    other = shop.people["customer"].post(path, SAID)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert (other.status_code, (other.json or {})["code"]) == (409, "already_reviewed")
    assert (other.json or {})["review_id"] == (first.json or {})["id"]


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("nobody", 401, "unauthenticated"),
        ("visitor", 403, "forbidden"),
        ("guest", 403, "forbidden"),
        ("merchant", 403, "own_product"),
        ("rival", 403, "not_a_buyer"),
        ("ops", 403, "not_a_buyer"),
    ],
)
def test_only_signed_in_buyers_may_review(
    shop: Street, path: str, who: str, status: int, code: str
) -> None:
    answer = shop.people[who].post(path, SAID)

    assert (answer.status_code, (answer.json or {})["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"title": "No stars"},
        {"rating": 0},
        {"rating": 6},
        {"rating": 4.5},
        {"rating": "4"},
        {"rating": True},
        {"rating": 4, "title": "x" * 121},
        {"rating": 4, "text": "x" * 4_001},
        {"rating": 4, "title": "two\nlines"},
        {"rating": 4, "text": "a\x1b[31mred"},
        {"rating": 4, "text": "a\x7f"},
        {"rating": 4, "text": "a\x85b"},
        {"rating": 4, "text": "a\u202eb"},
        {"rating": 4, "title": "a\u2066b"},
        {"rating": 4, "text": "a\u2028b"},
        {"rating": 4, "text": None},
        {"rating": 4, "text": ["a"]},
        {"rating": 4, "anonymous": "yes"},
        {"rating": 4, "status": "published"},
        {"rating": 4, "author": "Somebody Else"},
    ],
)
def test_what_is_no_review_is_refused_and_kept_nowhere(
    shop: Street, path: str, said: dict[str, Any]
) -> None:
    answer = shop.people["customer"].post(path, said)

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert (shop.people["customer"].get("/v1/reviews").json or {})["data"] == []


def test_markup_is_plain_text_like_any_other(
    shop: Street, path: str, decide: Callable[..., dict[str, Any]]
) -> None:
    text = "<script>alert(1)</script>"
    decide(shop.people["customer"].post(path, {"rating": 1, "text": text}).json or {}, "publish")

    answer = shop.client.get(path)

    assert (answer.json or {})["data"][0]["text"] == text
    assert answer.mimetype == "application/json"


def test_a_buyer_changes_and_withdraws_the_own_review(
    shop: Street, path: str, said: dict[str, Any], decide: Callable[..., dict[str, Any]]
) -> None:
    customer, one = shop.people["customer"], f"/v1/reviews/{said['id']}"
    decide(said, "publish")

    changed = customer.patch(one, {"rating": 2})
    shown = _read(shop, path)
    withdrawn = customer.delete(one)

    assert changed.status_code == 200
    assert ((changed.json or {})["status"], (changed.json or {})["rating"]) == ("pending", 2)
    assert changed.headers["ETag"] == '"2"'
    assert (shown["data"], shown["summary"]["rating_count"]) == ([], 0)
    assert withdrawn.status_code == 204
    assert (customer.get("/v1/reviews").json or {})["data"] == []
    assert customer.delete(one).status_code == 404


def test_a_rejected_review_tells_its_buyer_why(
    shop: Street, path: str, said: dict[str, Any], decide: Callable[..., dict[str, Any]]
) -> None:
    decide(said, "publish")
    decide(said, "reject", {"reason": "It is about the parcel."})

    (own,) = (shop.people["customer"].get("/v1/reviews").json or {})["data"]

    assert (own["status"], own["moderation_reason"]) == ("rejected", "It is about the parcel.")
    assert _read(shop, path)["data"] == []


def test_a_moderator_publishes_only_what_was_read(shop: Street, said: dict[str, Any]) -> None:
    shop.people["customer"].patch(f"/v1/reviews/{said['id']}", {"text": "Rude."})

    stale = shop.people["ops"].post(f"/v1/ops/reviews/{said['id']}/publish", If_Match='"1"')
    fresh = shop.people["ops"].post(f"/v1/ops/reviews/{said['id']}/publish", If_Match='"2"')

    assert (stale.status_code, fresh.status_code) == (412, 200)


@pytest.mark.parametrize("who", ["customer", "merchant", "rival"])
def test_only_operations_moderate(shop: Street, said: dict[str, Any], who: str) -> None:
    person, one = shop.people[who], f"/v1/ops/reviews/{said['id']}"

    answers = [
        person.get("/v1/ops/reviews"),
        person.post(f"{one}/publish"),
        person.post(f"{one}/reject", {"reason": "no"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3


@pytest.mark.parametrize("who", ["merchant", "rival", "ops"])
def test_another_persons_review_is_not_found(shop: Street, said: dict[str, Any], who: str) -> None:
    person, one = shop.people[who], f"/v1/reviews/{said['id']}"

    for answer in (person.patch(one, {"rating": 1}), person.delete(one)):
        assert (answer.status_code, (answer.json or {})["code"]) == (404, "review_not_found")


def test_what_is_not_there_is_not_found(shop: Street) -> None:
    nothing = encode("prd", new_id())
    ops, customer = shop.people["ops"], shop.people["customer"]

    answers = [
        customer.get(f"/v1/products/{nothing}/reviews"),
        customer.post(f"/v1/products/{nothing}/reviews", SAID),
        customer.patch(f"/v1/reviews/{NOWHERE}", {"rating": 1}),
        customer.delete(f"/v1/reviews/{NOWHERE}"),
        ops.post(f"/v1/ops/reviews/{NOWHERE}/publish"),
        ops.post(f"/v1/ops/reviews/{NOWHERE}/reject", {"reason": "no"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert [(answer.json or {})["code"] for answer in answers] == [
        "product_not_found", "product_not_found", *["review_not_found"] * 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [{"sort": "best"}, {"rating": 0}, {"rating": 6}, {"limit": 0}, {"after": "x"}, {"page": 2}],
)
def test_a_list_nobody_can_make_sense_of_is_refused(
    shop: Street, path: str, query: dict[str, Any]
) -> None:
    answer = shop.client.get(path, query_string=query)

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_reviews_are_read_to_their_end_sorted_and_filtered(
    shop: Street, path: str, decide: Callable[..., dict[str, Any]]
) -> None:
    for stars in (3, 5, 4, 5):
        person = shop.buyer(shop.person(Role.CUSTOMER))
        _send(shop, person)
        decide(person.post(path, {"rating": stars}).json or {}, "publish")

    read: list[int] = []
    query: dict[str, Any] = {"sort": "highest", "limit": 2}
    while True:
        page = _read(shop, path, **query)
        read += [review["rating"] for review in page["data"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    five = _read(shop, path, rating=5)

    assert read == [5, 5, 4, 3]
    assert [review["rating"] for review in five["data"]] == [5, 5]
    assert five["summary"]["rating_count"] == 4
    assert shop.client.get(path, query_string=query | {"sort": "lowest"}).status_code == 422


def test_operations_read_what_waits_the_longest_first(shop: Street, said: dict[str, Any]) -> None:
    waiting = shop.people["ops"].get("/v1/ops/reviews").json or {}
    published = shop.people["ops"].get("/v1/ops/reviews?status=published").json or {}

    assert [review["id"] for review in waiting["data"]] == [said["id"]]
    assert waiting["data"][0]["user_id"] == shop.people["customer"].ids["user_id"]
    assert published["data"] == []


def test_reading_reviews_stays_within_its_budget_and_may_be_kept(
    shop: Street, path: str, said: dict[str, Any], decide: Callable[..., dict[str, Any]]
) -> None:
    decide(said, "publish")

    with statements(shop.wired.db) as sql:
        answer = shop.client.get(path)

    assert len(sql) <= 3, "\n".join(sql)
    assert answer.headers["Cache-Control"] == "public, max-age=15"
    again = shop.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_writing_and_deciding_stay_within_their_budgets(shop: Street, path: str) -> None:
    with statements(shop.wired.db) as written:
        said = shop.people["customer"].post(path, SAID).json or {}
    with statements(shop.wired.db) as decided:
        shop.people["ops"].post(f"/v1/ops/reviews/{said['id']}/publish")

    assert len(written) <= 4, "\n".join(written)
    assert len(decided) <= 10, "\n".join(decided)
