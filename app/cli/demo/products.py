"""Products of the demo shop, one by number: the same number is the same product, always."""

import random
import re
import unicodedata
from dataclasses import dataclass
from itertools import product as every
from typing import Any

from app.cli.demo.opinions import Opinion, opinions
from app.cli.demo.vocabulary import LINES, RANGES

_SEED = "cartwright"
_LEAVES = tuple(RANGES)
_SKUS = (1, 2, 2, 3, 3, 4)
_SOLD_OUT, _SECOND_PLACE, _UNRATED = 0.08, 0.45, 0.06  # shares of all


@dataclass(frozen=True)
class DemoSku:
    """One SKU, minor units and grams; `stock` is units in each of the two warehouses."""

    code: str
    options: dict[str, str]
    price: int
    compare_at: int | None
    weight_g: int
    stock: tuple[int, int]


@dataclass(frozen=True)
class DemoProduct:
    """One product; `age_seconds` is how long it has been in the shop."""

    merchant: str
    category: str
    name: str
    slug: str
    description: str
    reviews: tuple[Opinion, ...]
    tax_code: str
    attributes: dict[str, Any]
    age_seconds: int
    skus: tuple[DemoSku, ...]


def demo_product(number: int) -> DemoProduct:
    """The product of this number, from 0."""
    chance = random.Random(f"{_SEED}:{number}")  # noqa: S311  the same shop every time, no secret
    category = _LEAVES[number % len(_LEAVES)]
    goods = RANGES[category]
    thing, material = chance.choice(goods.things), chance.choice(goods.materials)
    maker, line = chance.choice(goods.makers), chance.choice(LINES)
    name = f"{maker} {line} {material} {thing}"
    liked, count = _rating(chance)
    voices = random.Random(f"{_SEED}:{number}:reviews")  # noqa: S311  as above
    return DemoProduct(
        merchant=goods.merchant,
        category=category,
        name=name,
        slug=f"{_plain(name)}-{number}",
        description=f"{material} {thing.lower()} by {maker}, from the {line} series. {goods.note}",
        reviews=opinions(voices, number=number, liked=liked, count=count),
        tax_code=goods.tax_code,
        attributes={"maker": maker, "material": material.lower(), "series": line},
        age_seconds=chance.randrange(3_600, 500 * 86_400),
        skus=_skus(chance, number, category),
    )


def first_code(number: int) -> str:
    """The code of a product's first SKU: whether it stands in the shop tells of the product."""
    return f"{_LEAVES[number % len(_LEAVES)][:3].upper()}-{number:06d}-1"


def _skus(chance: random.Random, number: int, category: str) -> tuple[DemoSku, ...]:
    goods = RANGES[category]
    choices = [
        dict(zip(goods.options, chosen, strict=True)) for chosen in every(*goods.options.values())
    ]
    chosen = chance.sample(choices, min(chance.choice(_SKUS), len(choices)))
    low, high = goods.price
    # Cheap things are many and dear things few; prices end as shops' prices do.
    base = int(low + (high - low) * chance.betavariate(1.4, 3.2)) // 100 * 100 + 90
    weight_g = chance.randrange(*goods.weight_g)
    sold_out = chance.random() < _SOLD_OUT
    reduced = chance.random() < 0.15
    return tuple(
        DemoSku(
            code=f"{category[:3].upper()}-{number:06d}-{place}",
            options=options,
            price=base + (place - 1) * chance.choice((0, 0, 500, 1_000)),
            compare_at=base * 5 // 4 + place * 1_000 if reduced else None,
            weight_g=weight_g,
            stock=(0, 0) if sold_out else _stock(chance),
        )
        for place, options in enumerate(chosen, start=1)
    )


def _stock(chance: random.Random) -> tuple[int, int]:
    second = chance.randrange(1, 60) if chance.random() < _SECOND_PLACE else 0
    return chance.randrange(1, 160), second


def _rating(chance: random.Random) -> tuple[float, int]:
    """How much it is liked, and by how many."""
    if chance.random() < _UNRATED:
        return 0.0, 0
    return round(1 + 4 * chance.betavariate(7, 2), 2), int(chance.paretovariate(0.9)) % 4_000 + 1


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
