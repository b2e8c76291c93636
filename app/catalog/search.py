"""How a search is spelled: `category:shoes,price:1000..5000,rating:4..` and `price,-rating`."""

import re
from collections.abc import Callable
from dataclasses import replace

from app.catalog.errors import BadFilter, UnknownFilter, UnknownSort
from app.catalog.ports import Between, Filters, Order, SortKey
from app.platform.ids import decode

PRICE_MAX = 10**12  # minor units: dearer than anything sold, well inside bigint
_WORDS_MAX = 20
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9/_-]{0,199}")
_NUMBER = re.compile(r"[0-9]{1,13}(\.[0-9]{1,2})?")
_SPELLING = {
    "category": "it is a slug or a path, as in category:shoes",
    "price": "it is a range in minor units, as in price:1000..5000, price:1000.. or price:..5000",
    "rating": "it is a range from 0 to 5, as in rating:4..",
    "in_stock": "it is true or false",
    "merchant": "it is a merchant's id",
}


def parse_filters(text: str) -> Filters:
    """Read `name:value` pairs parted by commas. Raises UnknownFilter or BadFilter, naming the
    culprit."""
    filters = Filters()
    words = [word for word in text.split(",") if word.strip()]
    if len(words) > _WORDS_MAX:
        raise BadFilter(f"At most {_WORDS_MAX} filters.", filter=text[:80])
    for word in words:
        name, colon, value = word.strip().partition(":")
        if name not in _READERS:
            known = ", ".join(_READERS)
            raise UnknownFilter(
                f"There is no filter {name[:40]!r}; there are {known}.", filter=name
            )
        if not colon or not value:
            raise _bad(name, value)
        filters = _READERS[name](filters, value)
    return filters


def parse_sort(text: str, *, searching: bool) -> tuple[Order, ...]:
    """Read `price,-rating`. Without a word the best hits of a search come first, else the newest.

    Raises UnknownSort, also for a key named twice.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        words = ["relevance" if searching else "-created_at"]
    orders: list[Order] = []
    for word in words:
        name = word.removeprefix("-")
        if name not in set(SortKey) or name in {order.key for order in orders}:
            raise UnknownSort(
                f"Cannot sort by {word[:40]!r}; there are {', '.join(SortKey)}, each once.",
                sort=word[:40],
            )
        key = SortKey(name)
        orders.append(Order(key, descending=key is SortKey.RELEVANCE or word.startswith("-")))
    return tuple(orders)


def _category(filters: Filters, value: str) -> Filters:
    if not _CATEGORY.fullmatch(value):
        raise _bad("category", value)
    return replace(filters, categories=(*filters.categories, value))


def _merchant(filters: Filters, value: str) -> Filters:
    try:
        merchant = decode("mer", value)
    except ValueError:
        raise _bad("merchant", value) from None
    return replace(filters, merchants=(*filters.merchants, merchant))


def _price(filters: Filters, value: str) -> Filters:
    _refuse_twice("price", filters.price)
    return replace(filters, price=_between("price", value, highest=PRICE_MAX, whole=True))


def _rating(filters: Filters, value: str) -> Filters:
    _refuse_twice("rating", filters.rating)
    return replace(filters, rating=_between("rating", value, highest=5, whole=False))


def _in_stock(filters: Filters, value: str) -> Filters:
    _refuse_twice("in_stock", filters.in_stock)
    if value not in ("true", "false"):
        raise _bad("in_stock", value)
    return replace(filters, in_stock=value == "true")


def _between(name: str, value: str, *, highest: int, whole: bool) -> Between:
    low, dots, high = value.partition("..")
    if not dots or not (low or high):
        raise _bad(name, value)
    ends: list[float | None] = []
    for end in (low, high):
        if end and (not _NUMBER.fullmatch(end) or (whole and "." in end) or float(end) > highest):
            raise _bad(name, value)
        ends.append((int(end) if whole else float(end)) if end else None)
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise _bad(name, value)
    return Between(*ends)


def _refuse_twice(name: str, given: object) -> None:
    if given is not None:
        raise BadFilter(f"The filter {name} is given twice.", filter=name)


def _bad(name: str, value: str) -> BadFilter:
    return BadFilter(
        f"The filter {name} cannot be {value[:80]!r}: {_SPELLING[name]}.",
        filter=name,
    )


_READERS: dict[str, Callable[[Filters, str], Filters]] = {
    "category": _category,
    "price": _price,
    "rating": _rating,
    "in_stock": _in_stock,
    "merchant": _merchant,
}
