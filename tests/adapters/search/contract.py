"""What every product search must do. An adapter's test brings `search` and `shop`; the rest is
here.

`shop` puts products where the adapter finds them; `search` is the adapter.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Protocol
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.catalog.errors import BadCursor
from app.catalog.ports import Found, Hit, Order, ProductSearch, Search, SortKey
from app.catalog.search import parse_filters, parse_sort
from app.platform.ids import encode

SORTS = ("", "price", "-price", "rating", "-rating,price", "price,-rating,-created_at", "relevance")


class Shop(Protocol):
    """Puts products into the shop, visible to the search at once."""

    blue: UUID
    other: UUID

    def put(self, name: str, **given: object) -> UUID: ...

    def suspend(self, merchant_id: UUID) -> None: ...


def ask(search: ProductSearch, text: str = "", filters: str = "", sort: str = "", **rest) -> Found:
    order = parse_sort(sort, searching=bool(text))
    return search.find(Search(text, parse_filters(filters), order, **rest))


def walk(search: ProductSearch, text: str, filters: str, sort: str, limit: int) -> Iterator[Hit]:
    after = None
    while True:
        page = ask(search, text, filters, sort, limit=limit, after=after)
        assert len(page.hits) <= limit
        yield from page.hits
        if page.next is None:
            return
        after = page.next


def names(found: Found) -> list[str]:
    return [hit.name for hit in found.hits]


class ProductSearchContract:
    """Inherited by the tests of each adapter."""

    @pytest.fixture
    def stocked(self, shop: Shop) -> Shop:
        shop.put("Leather walking boot", category="boots", price=12_900, rating=4.6, stock=3)
        shop.put("Canvas sneaker", category="sneakers", price=4_900, rating=3.9, stock=0)
        shop.put("Oak side table", category="tables", price=24_900, rating=4.9, stock=1)
        shop.put("Oak stool", price=8_900, rating=0, stock=9, merchant_id=shop.other)
        shop.put("Secret boot", category="boots", price=100, status="draft")
        shop.put("Old boot", category="boots", price=100, status="archived")
        shop.put("Priceless boot", category="boots", price=None)
        return shop

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("walking boots", ["Leather walking boot"]),
            ("lether", ["Leather walking boot"]),
            ("wlaking boot", ["Leather walking boot"]),
            ("shos sneker", []),
            ("sneeker", ["Canvas sneaker"]),
            ("stol", ["Oak stool"]),
            ("oak", ["Oak side table", "Oak stool"]),
            ('"side table"', ["Oak side table"]),
            ("oak -stool", ["Oak side table"]),
            ("secret", []),
            ("!! & | <-> :*", []),
            ("'; DROP TABLE products; --", []),
            ("nul\0 \ud800 sneaker", []),
        ],
    )
    def test_words_are_found_misspelled_ones_too(self, search, stocked, text, found):
        answer = ask(search, text)

        if found:
            assert sorted(names(answer)) == found
        else:
            assert "Secret boot" not in names(answer)

    def test_nothing_is_shown_that_is_not_for_sale(self, search, stocked):
        stocked.suspend(stocked.other)

        assert sorted(names(ask(search))) == [
            "Canvas sneaker",
            "Leather walking boot",
            "Oak side table",
        ]

    def test_what_fits_better_comes_first(self, search, shop):
        shop.put("Table", description="Room for a lamp.")
        shop.put("Lamp", description="Warm light.")

        assert names(ask(search, "lamp")) == ["Lamp", "Table"]

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ("category:shoes", ["Canvas sneaker", "Leather walking boot"]),
            ("category:clothing/shoes/boots", ["Leather walking boot"]),
            ("category:boots,category:tables", ["Leather walking boot", "Oak side table"]),
            ("category:nowhere", []),
            ("price:4900..8900", ["Canvas sneaker", "Oak stool"]),
            ("price:..4900", ["Canvas sneaker"]),
            ("price:12901..", ["Oak side table"]),
            ("rating:4.6..4.9", ["Leather walking boot", "Oak side table"]),
            ("in_stock:false", ["Canvas sneaker"]),
            ("in_stock:true,price:..10000", ["Oak stool"]),
        ],
    )
    def test_filters_narrow(self, search, stocked, filters, found):
        assert sorted(names(ask(search, filters=filters))) == found

    def test_a_merchant_can_be_chosen(self, search, stocked):
        found = ask(search, filters=f"merchant:{encode('mer', stocked.other)}")

        assert names(found) == ["Oak stool"]

    def test_facets_count_what_each_filter_would_leave(self, search, stocked):
        facets = ask(search, limit=1).facets

        assert {count.value: count.count for count in facets.category} == {
            "clothing": 2, "shoes": 2, "boots": 1, "sneakers": 1, "home": 1, "tables": 1,
        }  # fmt: skip
        assert {count.value: count.count for count in facets.in_stock} == {"true": 3, "false": 1}
        assert {count.value: count.count for count in facets.rating} == {
            "4..": 2, "3..": 3, "2..": 3, "1..": 3,
        }  # fmt: skip
        for facet in ("category", "price", "rating", "in_stock", "merchant"):
            for count in getattr(facets, facet):
                left = list(walk(search, "", f"{facet}:{count.value}", "", 3))
                assert len(left) == count.count, (facet, count)

    @pytest.mark.parametrize("sort", SORTS)
    def test_a_sort_orders_by_its_keys_in_turn(self, search, stocked, sort):
        orders = parse_sort(sort, searching=False)

        hits = ask(search, sort=sort).hits

        for before, after in pairwise(hits):
            assert in_order(orders, before, after)

    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([0, 3.33, 4.5, 5]), st.booleans()),
            max_size=12,
        ),
        sort=st.sampled_from(SORTS),
        text=st.sampled_from(["", "boot", "boott"]),
        limit=st.integers(1, 5),
    )
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_a_walk_meets_every_product_exactly_once(
        self, search, empty_shop: Callable[[], Shop], rows, sort, text, limit
    ):
        shop = empty_shop()
        ids = [
            shop.put("Boot", price=100 + price, rating=rating, stock=int(there))
            for price, rating, there in rows
        ]

        hits = list(walk(search, text, "", sort, limit))

        assert sorted(hit.id for hit in hits) == sorted(ids)
        orders = parse_sort(sort, searching=bool(text))
        for before, after in pairwise(hits):
            assert in_order(orders, before, after)

    @pytest.mark.parametrize(
        "after",
        [
            (),
            (1,),
            ("x", "00000000-0000-0000-0000-000000000000"),
            (True, "00000000-0000-0000-0000-000000000000"),
            (10**30, "00000000-0000-0000-0000-000000000000"),
            (float("nan"), "00000000-0000-0000-0000-000000000000"),
            (1, "not an id"),
            (1, 2, "00000000-0000-0000-0000-000000000000"),
        ],
    )
    def test_a_position_of_another_order_is_refused(self, search, stocked, after):
        with pytest.raises(BadCursor):
            ask(search, sort="price", after=after)


def in_order(orders: tuple[Order, ...], before: Hit, after: Hit) -> bool:
    for order in orders:
        if order.key is SortKey.RELEVANCE:
            return True  # its scale is the adapter's own
        here, there = getattr(before, order.key), getattr(after, order.key)
        if here != there:
            return (here > there) == order.descending
    return True
