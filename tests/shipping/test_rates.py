"""What a cart can be sent by, and what that costs."""

from uuid import UUID

import pytest
from sqlalchemy import func, text

from app.adapters.carriers.table_rates import TableRates
from app.platform.db import Database
from app.platform.money import CurrencyMismatch
from app.shipping.errors import NoShippingToCountry, UnknownShippingService
from app.shipping.models import ShippingZone
from app.shipping.ports import CarrierRate
from app.shipping.rates import Offer, chosen, offers
from tests.conftest import Clock
from tests.factories import make_merchant, make_shipping_rate


def named(found: list[Offer]) -> list[tuple[str, int]]:
    return [(offer.service, offer.price) for offer in found]


def test_the_price_is_that_of_the_weight_bracket(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        light = make_shipping_rate(session, merchant=barn, weight_until_g=1_000, price=300)
        zone = session.get_one(ShippingZone, light.zone_id)
        make_shipping_rate(session, merchant=barn, zone=zone, weight_from_g=1_000, price=700)

        prices = [
            offers(session, merchants={barn.id: grams}, country="DE", currency="EUR")[0].price
            for grams in (0, 999, 1_000, 50_000)
        ]

    assert prices == [300, 300, 700, 700]


def test_a_service_is_offered_when_every_merchant_offers_it(db: Database) -> None:
    with db.transaction() as session:
        barn, mill = make_merchant(session), make_merchant(session)
        rate = make_shipping_rate(session, merchant=barn, price=300, days_max=3)
        zone = session.get_one(ShippingZone, rate.zone_id)
        make_shipping_rate(session, merchant=barn, zone=zone, service="express", price=900)
        make_shipping_rate(session, merchant=mill, price=450, days_max=6, carrier="UPS")

        found = offers(session, merchants={barn.id: 1, mill.id: 1}, country="DE", currency="EUR")

    assert named(found) == [("standard", 750)]
    assert (found[0].carrier, found[0].days_max) == ("DHL, UPS", 6)
    assert {part.merchant_id: part.price for part in found[0].parts} == {
        barn.id: 300,
        mill.id: 450,
    }


def test_the_cheapest_comes_first_and_is_chosen_when_none_is(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        rate = make_shipping_rate(session, merchant=barn, service="express", price=900)
        zone = session.get_one(ShippingZone, rate.zone_id)
        make_shipping_rate(session, merchant=barn, zone=zone, price=300)

        found = offers(session, merchants={barn.id: 1}, country="de", currency="EUR")

    assert named(found) == [("standard", 300), ("express", 900)]
    assert chosen(found, None).service == "standard"
    assert chosen(found, "express").price == 900


def test_an_unknown_service_is_refused_with_those_there_are(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        make_shipping_rate(session, merchant=barn)
        found = offers(session, merchants={barn.id: 1}, country="DE", currency="EUR")

    with pytest.raises(UnknownShippingService) as refused:
        chosen(found, "drone")

    assert refused.value.facts == {"services": ["standard"]}


def test_a_zone_of_everywhere_takes_what_no_other_zone_names(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        make_shipping_rate(session, merchant=barn, countries=("*",), price=2_000)
        make_shipping_rate(session, merchant=barn, countries=("DE", "AT"), price=300)

        home = offers(session, merchants={barn.id: 1}, country="AT", currency="EUR")
        abroad = offers(session, merchants={barn.id: 1}, country="NZ", currency="EUR")

    assert (home[0].price, abroad[0].price) == (300, 2_000)


def test_the_zone_of_the_lower_priority_is_looked_at_first(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        make_shipping_rate(session, merchant=barn, priority=20, price=800)
        make_shipping_rate(session, merchant=barn, priority=10, price=900)

        found = offers(session, merchants={barn.id: 1}, country="DE", currency="EUR")

    assert named(found) == [("standard", 900)]


def test_nothing_for_that_country_is_a_clear_refusal(db: Database) -> None:
    with db.transaction() as session:
        barn, mill = make_merchant(session), make_merchant(session)
        make_shipping_rate(session, merchant=barn)
        make_shipping_rate(session, merchant=mill, service="express")

        for merchants, country in (
            ({barn.id: 1}, "FR"),
            ({barn.id: 1, mill.id: 1}, "DE"),
            ({}, "DE"),
        ):
            with pytest.raises(NoShippingToCountry):
                offers(session, merchants=merchants, country=country, currency="EUR")


def test_a_rate_in_another_currency_is_never_added_up(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        make_shipping_rate(session, merchant=barn, currency="USD")

        with pytest.raises(CurrencyMismatch):
            offers(session, merchants={barn.id: 1}, country="DE", currency="EUR")


def test_a_rate_counts_only_while_it_is_in_force(db: Database, clock: Clock) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        tomorrow = func.shop_now() + text("interval '1 day'")
        old = make_shipping_rate(session, merchant=barn, price=300, valid_until=tomorrow)
        zone = session.get_one(ShippingZone, old.zone_id)
        make_shipping_rate(session, merchant=barn, zone=zone, price=400, valid_from=tomorrow)
        today = offers(session, merchants={barn.id: 1}, country="DE", currency="EUR")

    clock.advance(86_401)

    with db.reading() as session:
        then = offers(session, merchants={barn.id: 1}, country="DE", currency="EUR")
    assert (today[0].price, then[0].price) == (300, 400)


def test_a_live_rate_wins_over_the_table(db: Database) -> None:
    with db.transaction() as session:
        barn = make_merchant(session)
        make_shipping_rate(session, merchant=barn, price=300)
        live = CarrierRate(barn.id, "standard", "UPS", "Ground", 555, "EUR", 1, 2)
        stranger = CarrierRate(UUID(int=9), "standard", "UPS", "Ground", 1, "EUR", 1, 2)

        found = offers(
            session,
            merchants={barn.id: 1},
            country="DE",
            currency="EUR",
            asked=[live, stranger],
        )

    assert [(offer.price, offer.carrier) for offer in found] == [(555, "UPS")]


def test_the_tables_have_nobody_to_ask() -> None:
    assert TableRates().look({UUID(int=1): 500}, country="DE", currency="EUR") == []
