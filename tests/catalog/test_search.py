"""How a search is spelled."""

from uuid import UUID

import pytest

from app.catalog.errors import BadFilter, UnknownFilter, UnknownSort
from app.catalog.ports import Between, Filters, Order, SortKey
from app.catalog.search import parse_filters, parse_sort
from app.platform.ids import encode, new_id


def test_filters_are_read_as_they_are_written():
    merchant = new_id()
    mine = f"merchant:{encode('mer', merchant)}"
    text = f"category:shoes, price:1000..5000,rating:4..,in_stock:true,{mine}"

    filters = parse_filters(text)

    assert filters == Filters(
        categories=("shoes",),
        merchants=(merchant,),
        price=Between(1000, 5000),
        rating=Between(4, None),
        in_stock=True,
    )


@pytest.mark.parametrize("text", ["colour:red", "shoes", ":x", "Price:1..2", "limit:5"])
def test_an_unknown_filter_is_named(text):
    with pytest.raises(UnknownFilter):
        parse_filters(text)


@pytest.mark.parametrize(
    "text",
    [
        "price:", "price", "price:..", "price:5", "price:9..1", "price:-1..5", "price:1.5..2",
        "price:1e3..", "price:1..99999999999999999999", "price:1..2..3", "price:١..٢",
        "price:1..2,price:3..4", "rating:4", "rating:..6", "rating:x..", "rating:1..2,rating:1..2",
        "in_stock:yes", "in_stock:TRUE", "in_stock:true,in_stock:false", "merchant:mer_1",
        f"merchant:{encode('prd', UUID(int=7))}", "category:Shoes!", "category:%", "category:../x",
        ",".join(["category:a"] * 21),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_refused(text):
    with pytest.raises(BadFilter):
        parse_filters(text)


def test_without_a_word_the_best_of_a_search_or_the_newest_come_first():
    assert parse_sort("", searching=True) == (Order(SortKey.RELEVANCE, descending=True),)
    assert parse_sort("", searching=False) == (Order(SortKey.CREATED_AT, descending=True),)


@pytest.mark.parametrize("text", ["name", "--price", "price,-price", "-", "price;rating", "Price"])
def test_an_unknown_sort_is_refused(text):
    with pytest.raises(UnknownSort):
        parse_sort(text, searching=False)
