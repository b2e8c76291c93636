"""Mailed tokens and passwords, when several come at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from app.accounts import queries, service
from app.accounts.errors import BadCredentials, TokenRefused
from app.accounts.models import MailedToken, TokenPurpose, User
from app.accounts.tokens import MailedTokens
from app.platform.db import Database
from app.platform.ids import new_id

SECRET = "a secret for tests, longer than 32 characters"


@pytest.fixture
def ada(db: Database) -> User:
    """Somebody who forgot a password three times."""
    with db.transaction() as session:
        user = service.register(session, email="ada@example.com", password_hash="first")
        for _ in range(3):
            service.ask_reset(session, "ADA@example.com")
    return user


def test_a_token_leads_back_to_its_row_and_is_the_same_whenever_it_is_made() -> None:
    token_id = new_id()

    made = [MailedTokens(SECRET).token(token_id) for _ in range(2)]

    assert made[0] == made[1]
    assert MailedTokens(SECRET).read(made[0]) == token_id


def test_a_link_leads_to_the_storefront_and_shows_its_token_to_no_server() -> None:
    token_id = new_id()
    tokens = MailedTokens(SECRET, storefront_url="https://shop.example/")

    link = tokens.link(token_id, TokenPurpose.RESET)

    assert link == f"https://shop.example/account/reset#token={tokens.token(token_id)}"
    assert MailedTokens(SECRET).link(token_id, TokenPurpose.RESET) is None


def test_of_many_tokens_used_at_once_one_chooses_the_password(db: Database, ada: User) -> None:
    with db.reading() as session:
        wanted = select(MailedToken.id).where(MailedToken.purpose == TokenPurpose.RESET)
        token_ids = session.scalars(wanted).all()

    def choose(number: int) -> bool:
        return _done(
            db, lambda s: service.reset_password(s, token_ids[number % 3], f"hash {number}")
        )

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(choose, range(6)))

    assert sorted(won) == [False] * 5 + [True]
    with db.reading() as session:
        assert session.scalars(select(User.password_hash)).one() == f"hash {won.index(True)}"


def test_a_sign_in_that_was_being_checked_while_the_password_changed_is_refused(
    db: Database, ada: User
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as changing:
            service.change_password(changing, ada.id, proven_hash="first", password_hash="second")
            signing = pool.submit(_done, db, lambda s: service.sign_in(s, ada, days=1))
            _until_somebody_waits(db)
        signed_in = signing.result()

    assert signed_in is False


def test_a_letter_goes_to_nobody_for_an_address_nobody_has_or_a_token_that_was_used(
    db: Database, ada: User
) -> None:
    with db.transaction() as session:
        service.ask_reset(session, "eve@example.com")
    with db.reading() as session:
        rows = session.scalars(select(MailedToken).order_by(MailedToken.id)).all()
        letters = {row.id: queries.addressee(session, row.id) for row in rows}
    mine = [row.id for row in rows if row.email == "ada@example.com"]
    assert all(found is not None and found.id == ada.id for found in map(letters.get, mine))
    assert letters[rows[-1].id] is None

    with db.transaction() as session:
        service.verify(session, mine[0])

    with db.reading() as session:
        assert queries.addressee(session, mine[0]) is None


def _done(db: Database, act: Callable[..., object]) -> bool:
    try:
        with db.transaction() as session:
            act(session)
    except (TokenRefused, BadCredentials):
        return False
    return True


def _until_somebody_waits(db: Database) -> None:
    """Until another connection stands at a lock this test holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with db.glance() as connection:
        while not connection.scalar(waiting):
            time.sleep(0.01)
