"""Plants the demo shop: what is there stays, what is missing comes, however often it is run.

It is an import, so nothing is announced: what follows from stock (totals, prices) is written with
it, and the ledger tells of every unit. A run that was cut off is finished by the next one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app.accounts.models import Merchant, Role, User
from app.accounts.passwords import UNUSABLE, Passwords
from app.catalog.models import Category
from app.cli.demo.bulk import Shelf, write_products
from app.cli.demo.opinions import READERS
from app.cli.demo.products import demo_product, first_code
from app.cli.demo.rates import plant_shipping_rates, plant_tax_rates
from app.cli.demo.vocabulary import CATEGORIES, MERCHANTS
from app.inventory.models import Warehouse
from app.platform.db import Database, ShopSession
from app.platform.ids import new_id

CURRENCY = "EUR"  # one for all, so that a cart may hold goods of several merchants
PASSWORD = "cartwright-demo"  # noqa: S105  printed for everyone who tries the demo
LOGINS = {
    "customer": "customer@demo.shop",
    "merchant": "merchant@demo.shop",
    "ops": "ops@demo.shop",
}
_SEATS = {  # what stands on their invoices; nobody lives there
    "blue-barn": ("Blue Barn GmbH", "Scheunenweg 1", "Leipzig", "04109", "DE"),
    "kiln-and-oak": ("Kiln & Oak B.V.", "Ovenstraat 7", "Rotterdam", "3011", "NL"),
    "paper-harbour": ("Paper Harbour Kft.", "Könyv utca 3", "Győr", "9021", "HU"),
}
_WAREHOUSES = (("Leipzig", "DE", 10), ("Rotterdam", "NL", 20))
_READER = "reader-{number}@demo.shop"
_CHUNK = 500
_LOCK = 7_262_001  # two seeders at once would both plant what is missing

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Planted:
    """What a run has added."""

    merchants: int
    users: int
    products: int


def plant(
    db: Database,
    *,
    products: int = 5_000,
    passwords: Passwords | None = None,
    progress: Progress | None = None,
) -> Planted:
    """Plant the demo shop with so many products; `progress` hears how many stand of how many."""
    with db.transaction() as session:
        _alone(session)
        places = _plant_warehouses(session)
        merchants, new_merchants = _plant_merchants(session, places)
        users = _plant_users(session, merchants, passwords or Passwords())
        readers, new_readers = _plant_readers(session)
        categories = _plant_categories(session)
        plant_tax_rates(session)
        for merchant_id in merchants.values():
            plant_shipping_rates(session, merchant_id, CURRENCY)
    shelf = Shelf(merchants, categories, places, CURRENCY, readers)
    planted = _plant_products(db, shelf, products, progress)
    return Planted(new_merchants, users + new_readers, planted)


def _plant_products(db: Database, shelf: Shelf, products: int, progress: Progress | None) -> int:
    with db.reading() as session:
        missing = _missing(session, shelf, range(products))
    for start in range(0, len(missing), _CHUNK):
        with db.transaction() as session:
            _alone(session)
            chunk = _missing(session, shelf, missing[start : start + _CHUNK])
            write_products(session, shelf, [demo_product(number) for number in chunk])
        if progress is not None:
            progress(products - len(missing) + min(start + _CHUNK, len(missing)), products)
    if missing:
        with db.transaction() as session:
            session.execute(text("ANALYZE products, skus, inventory, categories, reviews"))
    return len(missing)


def _missing(session: ShopSession, shelf: Shelf, numbers: Sequence[int]) -> list[int]:
    """Which of these products do not stand in the shop yet."""
    codes = {first_code(number): number for number in numbers}
    there = session.scalars(
        text("SELECT code FROM skus WHERE merchant_id = ANY(:merchants) AND code = ANY(:codes)"),
        {"merchants": list(shelf.merchants.values()), "codes": list(codes)},
    )
    for code in there:
        codes.pop(code, None)
    return list(codes.values())


def _alone(session: ShopSession) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _plant_warehouses(session: ShopSession) -> tuple[UUID, UUID]:
    places: list[UUID] = []
    for name, country, priority in _WAREHOUSES:
        place = session.scalar(
            select(Warehouse).where(Warehouse.name == name, Warehouse.merchant_id.is_(None))
        )
        if place is None:
            place = Warehouse(name=name, country=country, priority=priority)
            session.add(place)
            session.flush()
        places.append(place.id)
    return places[0], places[1]


def _plant_merchants(session: ShopSession, places: Sequence[UUID]) -> tuple[dict[str, UUID], int]:
    known = {merchant.slug: merchant for merchant in session.scalars(select(Merchant))}
    new = 0
    for slug, name in MERCHANTS:
        if slug not in known:
            known[slug] = Merchant(
                slug=slug,
                name=name,
                currency=CURRENCY,
                default_warehouse_id=places[0],
                settings=_at_home(slug),
            )
            session.add(known[slug])
            new += 1
    session.flush()
    return {slug: known[slug].id for slug, _ in MERCHANTS}, new


def _at_home(slug: str) -> dict[str, Any]:
    legal_name, line1, city, postal_code, country = _SEATS[slug]
    seat = {"line1": line1, "line2": "", "city": city, "region": ""}
    seat |= {"postal_code": postal_code, "country": country}
    return {"legal_name": legal_name, "address": seat, "vat_id": f"{country}999999999"}


def _plant_users(session: ShopSession, merchants: dict[str, UUID], passwords: Passwords) -> int:
    there = set(session.scalars(select(User.email).where(User.email.in_(LOGINS.values()))))
    missing = {role: email for role, email in LOGINS.items() if email not in there}
    for role, email in missing.items():
        session.add(
            User(
                email=email,
                password_hash=passwords.hash(PASSWORD),
                role=Role(role),
                merchant_id=merchants[MERCHANTS[0][0]] if role == Role.MERCHANT else None,
            )
        )
    return len(missing)


def _plant_readers(session: ShopSession) -> tuple[tuple[UUID, ...], int]:
    """Those who wrote the reviews; nobody can sign in as one of them. Gives also how many are
    new."""
    emails = [_READER.format(number=number) for number in range(1, len(READERS) + 1)]
    there = select(User.email, User.id).where(User.email.in_(emails))
    known = {row.email: row.id for row in session.execute(there)}
    new = [
        User(id=new_id(), email=email, name=name, password_hash=UNUSABLE)
        for email, name in zip(emails, READERS, strict=True)
        if email not in known
    ]
    session.add_all(new)
    session.flush()
    known |= {user.email: user.id for user in new}
    return tuple(known[email] for email in emails), len(new)


def _plant_categories(session: ShopSession) -> dict[str, UUID]:
    known = {category.slug: category for category in session.scalars(select(Category))}
    for slug, name, parent in CATEGORIES:
        if slug not in known:
            above = known[parent] if parent else None
            known[slug] = Category(
                slug=slug,
                name=name,
                parent_id=above.id if above else None,
                path=f"{above.path}/{slug}" if above else slug,
            )
            session.add(known[slug])
            session.flush()
    return {slug: category.id for slug, category in known.items()}
