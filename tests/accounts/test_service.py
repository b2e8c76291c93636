"""People come, stay signed in and leave."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from app.accounts import service
from app.accounts.errors import EmailTaken
from app.accounts.models import RefreshToken, User
from app.platform.db import Database
from tests.conftest import Clock
from tests.factories import make_user

DAYS = 30


@pytest.fixture
def token(db: Database) -> str:
    """The refresh token of somebody who just signed in."""
    with db.transaction() as session:
        return service.sign_in(session, make_user(session), days=DAYS).refresh_token


def _refresh(db: Database, token: str) -> str | None:
    with db.transaction() as session:
        signed_in = service.refresh(session, token, days=DAYS)
        return signed_in.refresh_token if signed_in else None


def test_an_email_opens_one_account_whatever_its_case(db: Database) -> None:
    with db.transaction() as session:
        service.register(session, email="ada@example.com", password_hash="!")

    with pytest.raises(EmailTaken), db.transaction() as session:
        service.register(session, email="ADA@example.com", password_hash="!")


def test_of_two_who_register_the_same_email_at_once_one_gets_the_account(db: Database) -> None:
    def register(_: int) -> bool:
        try:
            with db.transaction() as session:
                service.register(session, email="ada@example.com", password_hash="!")
        except EmailTaken:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(register, range(4)))

    assert sorted(won) == [False, False, False, True]


def test_a_refresh_token_works_once_and_gives_the_next(db: Database, token: str) -> None:
    second = _refresh(db, token)
    assert second is not None

    third = _refresh(db, second)

    assert third is not None
    assert len({token, second, third}) == 3


def test_a_refresh_token_that_comes_back_ends_its_whole_family(db: Database, token: str) -> None:
    second = _refresh(db, token)
    assert second is not None

    reused = _refresh(db, token)

    assert reused is None
    assert _refresh(db, second) is None


def test_another_sign_in_outlives_the_end_of_a_family(db: Database, token: str) -> None:
    with db.transaction() as session:
        user = session.scalars(select(User)).one()
        other = service.sign_in(session, user, days=DAYS).refresh_token
    _refresh(db, token)
    _refresh(db, token)

    assert _refresh(db, other) is not None


def test_of_two_that_use_a_token_at_once_one_wins_and_then_the_family_ends(
    db: Database, token: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _refresh(db, token), range(4)))

    won = [answer for answer in answers if answer]
    assert len(won) == 1
    assert _refresh(db, won[0]) is None


def test_a_link_added_while_its_family_was_being_ended_is_of_no_use(
    db: Database, token: str
) -> None:
    second = _refresh(db, token)
    assert second is not None
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as refreshing:
            third = service.refresh(refreshing, second, days=DAYS)
            ending = pool.submit(_refresh, db, token)
            _until_somebody_waits(db)
        ending.result()

    assert third is not None
    assert _refresh(db, third.refresh_token) is None


def test_an_expired_refresh_token_is_of_no_use_and_ends_nothing(
    db: Database, token: str, clock: Clock
) -> None:
    clock.advance(DAYS * 86_400 + 1)

    assert _refresh(db, token) is None
    with db.reading() as session:
        assert session.scalars(select(RefreshToken.revoked_at)).all() == [None]


def test_an_unknown_refresh_token_is_of_no_use(db: Database) -> None:
    assert _refresh(db, "cwr_nothing") is None


def test_signing_out_ends_the_family(db: Database, token: str) -> None:
    second = _refresh(db, token)
    assert second is not None

    with db.transaction() as session:
        service.sign_out(session, token)

    assert _refresh(db, second) is None


def test_only_the_digest_of_a_refresh_token_is_kept(db: Database, token: str) -> None:
    with db.reading() as session:
        row = session.scalars(select(RefreshToken)).one()

    assert token not in str(vars(row))


def test_old_refresh_tokens_are_forgotten(db: Database, token: str, clock: Clock) -> None:
    clock.advance(DAYS * 86_400 + 1)
    with db.transaction() as session:
        fresh = service.sign_in(session, make_user(session), days=DAYS).refresh_token

    with db.transaction() as session:
        gone = service.forget_old_tokens(session)

    assert gone == 1
    assert _refresh(db, fresh) is not None


def _until_somebody_waits(db: Database) -> None:
    """Until another connection stands at a lock this test holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with db.glance() as connection:
        while not connection.scalar(waiting):
            time.sleep(0.01)
