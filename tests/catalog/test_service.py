"""What merchants can do to the catalog."""

import threading

import pytest
from sqlalchemy import select

from app.catalog import queries, service
from app.catalog.drafts import ProductDraft, SkuDraft
from app.catalog.errors import (
    NoWarehouse,
    ProductChanged,
    ProductNotFound,
    SkuCodeTaken,
    SkuNotFound,
    SlugTaken,
    UnknownCategory,
)
from app.catalog.models import Category, Product, ProductStatus, Sku
from app.events.models import OutboxEvent
from app.inventory import queries as stock
from app.inventory.errors import WarehouseNotFound
from app.platform.ids import new_id
from app.platform.money import CurrencyMismatch
from tests.factories import make_merchant, make_sku, make_warehouse


def boot(*skus: SkuDraft, **given) -> ProductDraft:
    return ProductDraft(
        **{"name": "Élan walking boot", "skus": skus or (SkuDraft("B-1", 9900),)} | given
    )


def shown(db, product_id, merchant_id=None):
    with db.reading() as session:
        return queries.owned(session, product_id, merchant_id=merchant_id)


@pytest.fixture
def merchant(db):
    with db.transaction() as session:
        return make_merchant(session)


@pytest.fixture
def product(db, merchant):
    with db.transaction() as session:
        draft = boot(SkuDraft("B-1", 9900, stock=3), SkuDraft("B-2", 8900))
        return service.create(session, merchant_id=merchant.id, draft=draft)


def test_a_new_product_costs_what_its_cheapest_sku_costs(db, product):
    assert shown(db, product.id).price == 8900


def test_opening_stock_lies_in_the_default_warehouse_and_the_ledger_tells_of_it(
    db, merchant, product
):
    with db.reading() as session:
        sku = next(s for s in queries.owned(session, product.id, merchant_id=None).skus)
        places = stock.stock(session, [sku.id])
        broken = stock.imbalances(session)

    assert [(p.warehouse_id, p.available) for p in places] == [(merchant.default_warehouse_id, 3)]
    assert broken == []


def test_a_slug_is_made_of_the_name_and_gives_way_to_one_that_is_taken(db, merchant, product):
    with db.transaction() as session:
        twin = service.create(session, merchant_id=merchant.id, draft=boot(SkuDraft("B-9", 100)))

    assert product.slug == "elan-walking-boot"
    assert twin.slug.startswith("elan-walking-boot-")


def test_a_slug_asked_for_is_refused_when_it_is_taken(db, merchant, product):
    with pytest.raises(SlugTaken), db.transaction() as session:
        service.create(
            session,
            merchant_id=merchant.id,
            draft=boot(SkuDraft("B-9", 100), slug="elan-walking-boot"),
        )


def test_a_merchant_uses_a_code_once_and_another_merchant_may_use_it_too(db, merchant, product):
    with db.transaction() as session:
        service.create(session, merchant_id=make_merchant(session).id, draft=boot())

    with pytest.raises(SkuCodeTaken), db.transaction() as session:
        service.create(session, merchant_id=merchant.id, draft=boot())


def test_of_two_products_with_the_same_code_at_once_one_is_made(db, merchant):
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def create() -> None:
        try:
            with db.transaction() as session:
                start.wait()
                service.create(session, merchant_id=merchant.id, draft=boot())
            outcomes.append("made")
        except SkuCodeTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["made", "taken"]
    with db.reading() as session:
        assert len(session.scalars(select(Product.id)).all()) == 1


@pytest.mark.parametrize(
    ("draft", "refusal"),
    [
        (boot(SkuDraft("A", 1), SkuDraft("A", 2)), SkuCodeTaken),
        (boot(SkuDraft("A", 1, currency="USD")), CurrencyMismatch),
        (boot(category="nothing-like-it"), UnknownCategory),
    ],
)
def test_a_product_that_cannot_be_is_refused_and_leaves_nothing(db, merchant, draft, refusal):
    with pytest.raises(refusal), db.transaction() as session:
        service.create(session, merchant_id=merchant.id, draft=draft)

    with db.reading() as session:
        assert session.scalars(select(Product.id)).all() == []
        assert session.scalars(select(OutboxEvent.id)).all() == []


def test_stock_needs_a_warehouse_to_lie_in(db, merchant):
    with db.transaction() as session:
        homeless = make_merchant(session)
        homeless.default_warehouse_id = None

    with pytest.raises(NoWarehouse), db.transaction() as session:
        service.create(session, merchant_id=homeless.id, draft=boot(SkuDraft("A", 1, stock=1)))


def test_a_category_is_named_by_slug_or_by_path(db, merchant):
    with db.transaction() as session:
        session.add(Category(slug="shoes", name="Shoes", path="clothing/shoes"))
        session.flush()
        made = [
            service.create(
                session,
                merchant_id=merchant.id,
                draft=boot(SkuDraft(word, 1), category=word),
            ).id
            for word in ("shoes", "clothing/shoes")
        ]

    assert {shown(db, id_).category for id_ in made} == {"shoes"}


def test_a_change_counts_the_version_up_and_names_the_new_cheapest_price(db, merchant, product):
    changes = {"name": "Winter boot", "skus": [{"code": "B-2", "status": "archived"}]}

    with db.transaction() as session:
        service.update(session, product.id, merchant_id=merchant.id, changes=changes, version=1)

    after = shown(db, product.id)
    assert (after.name, after.version, after.price) == ("Winter boot", 2, 9900)
    assert after.updated_at > after.created_at


def test_a_change_adds_the_skus_it_does_not_know(db, merchant, product):
    changes = {"skus": [{"code": "B-3", "price": 500, "options": {"size": "S"}, "stock": 2}]}

    with db.transaction() as session:
        service.update(session, product.id, merchant_id=merchant.id, changes=changes)

    after = shown(db, product.id)
    assert [(sku.code, sku.available) for sku in after.skus] == [("B-1", 3), ("B-2", 0), ("B-3", 2)]
    assert after.price == 500
    with db.reading() as session:
        assert session.scalar(select(Product.stock_total)) == 5


def test_a_change_to_a_sku_of_another_product_is_refused(db, merchant, product):
    with db.transaction() as session:
        other = make_sku(session, merchant=merchant)
    changes = {"skus": [{"id": other.id, "price": 1}]}

    with pytest.raises(SkuNotFound), db.transaction() as session:
        service.update(session, product.id, merchant_id=merchant.id, changes=changes)


def test_who_writes_what_has_changed_since_is_refused(db, merchant, product):
    with db.transaction() as session:
        service.update(session, product.id, merchant_id=merchant.id, changes={"name": "First"})

    with pytest.raises(ProductChanged), db.transaction() as session:
        service.update(
            session, product.id, merchant_id=merchant.id, changes={"name": "Second"}, version=1
        )

    assert shown(db, product.id).name == "First"


def test_another_merchants_product_is_not_found(db, product):
    with db.transaction() as session:
        stranger = make_merchant(session)

    for act in (service.update, service.archive):
        given = {"changes": {"name": "Mine"}} if act is service.update else {}
        with pytest.raises(ProductNotFound), db.transaction() as session:
            act(session, product.id, merchant_id=stranger.id, **given)
    assert shown(db, product.id, stranger.id) is None


def test_archiving_takes_a_product_out_of_the_shop_and_twice_is_once(db, merchant, product):
    for _ in range(2):
        with db.transaction() as session:
            service.archive(session, product.id, merchant_id=merchant.id)

    with db.reading() as session:
        assert queries.for_sale(session, product.id) is None
        types = session.scalars(
            select(OutboxEvent.type).where(OutboxEvent.topic == "catalog")
        ).all()
    assert sorted(types) == ["product.created", "product.deleted"]


def test_what_is_sellable_is_known_in_one_look(db, merchant, product):
    with db.transaction() as session:
        skus = session.scalars(select(Sku).where(Sku.product_id == product.id)).all()
        draft = service.create(
            session,
            merchant_id=merchant.id,
            draft=boot(SkuDraft("D", 5), status=ProductStatus.DRAFT),
        )
        hidden = session.scalar(select(Sku.id).where(Sku.product_id == draft.id))

    with db.reading() as session:
        found = queries.sellable(session, [*(sku.id for sku in skus), hidden, new_id()])

    assert {found[sku.id].active for sku in skus} == {True}
    assert found[hidden].active is False
    assert len(found) == 3


def test_a_receipt_and_an_adjustment_are_booked_once_by_their_reference(db, merchant, product):
    with db.transaction() as session:
        sku_id = session.scalar(select(Sku.id).where(Sku.code == "B-2"))
    receipt, count = new_id(), new_id()

    for _ in range(2):
        with db.transaction() as session:
            service.receive_stock(
                session, merchant_id=merchant.id, sku_id=sku_id, qty=10, reference=receipt
            )
            service.adjust_stock(
                session, merchant_id=merchant.id, sku_id=sku_id, delta=-4, reference=count
            )

    with db.reading() as session:
        assert stock.available(session, [sku_id]) == {sku_id: 6}


def test_stock_of_others_and_in_warehouses_of_others_is_not_found(db, merchant, product):
    with db.transaction() as session:
        stranger = make_merchant(session)
        shared = make_warehouse(session, name="Shared")
        sku_id = session.scalar(select(Sku.id).where(Sku.code == "B-1"))

    def receive(merchant_id, warehouse_id=None):
        with db.transaction() as session:
            service.receive_stock(
                session,
                merchant_id=merchant_id,
                sku_id=sku_id,
                qty=1,
                reference=new_id(),
                warehouse_id=warehouse_id,
            )

    with pytest.raises(SkuNotFound):
        receive(stranger.id)
    with pytest.raises(WarehouseNotFound):
        receive(merchant.id, stranger.default_warehouse_id)
    receive(merchant.id, shared.id)
