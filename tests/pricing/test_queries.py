"""Which rate of several is the one."""

from sqlalchemy import func, text

from app.platform.db import Database
from app.platform.ids import new_id
from app.pricing.queries import tax_table
from tests.conftest import Clock
from tests.factories import make_merchant, make_tax_rate

ALL = new_id()  # no merchant has this id: only the general rates


def test_the_regions_rate_wins_over_the_countrys(db: Database) -> None:
    with db.transaction() as session:
        make_tax_rate(session, country="US", name="federal", rate_ppm=1)
        make_tax_rate(session, country="US", region="CA", name="California", rate_ppm=2)

        here = tax_table(session, "us", "ca", [ALL])
        there = tax_table(session, "US", "NY", [ALL])

    assert here.rate(ALL, "standard").name == "California"
    assert there.rate(ALL, "standard").name == "federal"


def test_a_merchants_own_rate_is_nobody_elses(db: Database) -> None:
    with db.transaction() as session:
        barn, mill = make_merchant(session), make_merchant(session)
        make_tax_rate(session, name="general", region="BE")
        make_tax_rate(session, name="of the barn", merchant_id=barn.id)

        table = tax_table(session, "DE", "BE", [barn.id, mill.id])

    assert table.rate(barn.id, "standard").name == "of the barn"
    assert table.rate(mill.id, "standard").name == "general"


def test_an_unknown_country_or_tax_code_has_a_rate_of_zero(db: Database) -> None:
    with db.transaction() as session:
        make_tax_rate(session)

        abroad = tax_table(session, "FR", None, [ALL]).rate(ALL, "standard")
        strange = tax_table(session, "DE", "", [ALL]).rate(ALL, "moon dust")

    assert (abroad.ppm, abroad.known) == (0, False)
    assert (strange.ppm, strange.known) == (0, False)


def test_a_rate_counts_from_the_second_it_comes_into_force(db: Database, clock: Clock) -> None:
    with db.transaction() as session:
        tomorrow = func.shop_now() + text("interval '1 day'")
        make_tax_rate(session, name="old", valid_until=tomorrow)
        make_tax_rate(session, name="new", valid_from=tomorrow)
        today = tax_table(session, "DE", None, [ALL]).rate(ALL, "standard")

    clock.advance(86_401)

    with db.reading() as session:
        then = tax_table(session, "DE", None, [ALL]).rate(ALL, "standard")
    assert (today.name, then.name) == ("old", "new")


def test_of_two_rates_in_force_the_younger_counts(db: Database) -> None:
    with db.transaction() as session:
        make_tax_rate(session, name="old", valid_from=func.shop_now() - text("interval '1 year'"))
        make_tax_rate(session, name="new", valid_from=func.shop_now() - text("interval '1 day'"))

        table = tax_table(session, "DE", None, [ALL])

    assert table.rate(ALL, "standard").name == "new"
