"""Papers and reviews on the whole road of an order: bought, sent, billed, judged, given back."""

from io import BytesIO
from typing import Any

from pypdf import PdfReader

from app.accounts.models import Role
from app.operations.trace import story_of
from app.platform.ids import encode
from tests.api.people import Person
from tests.orders.road import Road, road, settings

__all__ = ["road", "settings"]


def _invoices(buyer: Person) -> list[dict[str, Any]]:
    answer = buyer.get(f"/v1/orders/{buyer.ids['order_id']}/invoices")
    assert answer.status_code == 200, answer.json
    return list((answer.json or {})["data"])


def _receipt(buyer: Person) -> str:
    answer = buyer.get(f"/v1/orders/{buyer.ids['order_id']}/receipt")
    assert answer.status_code == 200, answer.json
    pages = PdfReader(BytesIO(answer.data)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_each_merchant_bills_when_its_parcel_is_sent_and_all_bills_make_the_total(
    road: Road,
) -> None:
    barn, kiln = road.seller(prices=(4_999, 333)), road.seller(prices=(1_001,))
    buyer = road.bought({barn.skus[0].id: 2, barn.skus[1].id: 3, kiln.skus[0].id: 1})
    road.publish()
    held = _invoices(buyer)

    road.sent(barn, buyer)
    road.publish()
    first = _invoices(buyer)
    road.sent(kiln, buyer)
    road.publish()
    both = _invoices(buyer)

    assert held == []
    assert encode("mer", barn.merchant.id) in {each["merchant_id"] for each in first}
    assert {each["merchant_id"] for each in both} == {
        encode("mer", barn.merchant.id), encode("mer", kiln.merchant.id),
    }  # fmt: skip
    assert sum(each["total"] for each in both) == road.order(buyer).total
    assert ("invoice", "issued") in [
        (entry.source, entry.what) for entry in story_of(road.db, buyer.ids["order_id"]).entries
    ]


def test_money_taken_at_once_is_billed_at_once(road: Road) -> None:
    seller = road.seller(capture="automatic")
    buyer = road.bought({seller.skus[0].id: 1})

    road.publish()  # the capture is asked for
    road.publish()  # and told of

    (invoice,) = _invoices(buyer)
    assert invoice["total"] == road.order(buyer).total == road.payment(buyer).captured


def test_a_receipt_follows_the_money_there_and_back(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 2})
    parcel = road.sent(seller, buyer)
    before = _receipt(buyer)
    refund = seller.person.post(
        f"/v1/orders/{buyer.ids['order_id']}/refunds", {"amount": 1_234, "reason": "A scratch."}
    )
    assert refund.status_code == 202, refund.json
    road.work()

    after = _receipt(buyer)

    assert f"{encode('shp', parcel.id)} €104.90" in before
    assert "given back" not in before
    assert f"{(refund.json or {})['id']} -€12.34" in after
    assert "Paid in all €92.56" in after


def test_who_was_sent_a_product_may_review_it_and_not_before(road: Road) -> None:
    seller = road.seller()
    buyer = road.bought({seller.skus[0].id: 1}, who=road.person(Role.CUSTOMER))
    product = f"/v1/products/{encode('prd', seller.skus[0].product_id)}"

    early = buyer.post(f"{product}/reviews", {"rating": 5})
    road.sent(seller, buyer)
    said = buyer.post(f"{product}/reviews", {"rating": 5})
    road.person(Role.OPS).post(f"/v1/ops/reviews/{(said.json or {})['id']}/publish")
    road.publish()

    assert (early.status_code, (early.json or {})["code"]) == (403, "not_a_buyer")
    assert said.status_code == 201
    assert (buyer.get(product).json or {})["rating"] == 5.0
