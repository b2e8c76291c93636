"""Proving an address, forgetting a password and choosing another, through the door."""

import io
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app import create_app, wiring
from app.accounts import service
from app.accounts.models import MailedToken, TokenPurpose, User
from app.accounts.tokens import MailedTokens
from app.events.models import OutboxEvent
from app.platform.db import Database
from app.platform.ids import new_id
from app.platform.logging import configure
from app.wiring import Providers
from tests.api.mailed import mailed
from tests.conftest import Clock
from tests.statements import statements

ADA = {"email": "ada@example.com", "password": "correct horse battery"}
NEW = "another horse battery"
HOUR, WEEK = 3_600, 7 * 86_400


@pytest.fixture
def ada(client: FlaskClient) -> dict[str, str]:
    """Ada's first session."""
    return dict(client.post("/v1/auth/register", json=ADA).json or {})


def _bearer(session: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def _refused(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.json or {})["code"]


def _reset(client: FlaskClient, token: str, password: str = NEW) -> TestResponse:
    return client.post("/v1/auth/reset", json={"token": token, "password": password})


def _login(client: FlaskClient, password: str) -> int:
    return client.post("/v1/auth/login", json=ADA | {"password": password}).status_code


def _forget(client: FlaskClient, wired: Providers) -> str:
    client.post("/v1/auth/forgot", json={"email": ADA["email"]})
    return mailed(wired, TokenPurpose.RESET)


def _facts(db: Database, type_: str) -> list[dict[str, str]]:
    with db.reading() as session:
        rows = session.scalars(select(OutboxEvent.payload).where(OutboxEvent.type == type_))
        return [row["data"] for row in rows]


def test_a_new_account_is_asked_to_prove_its_address(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    before = client.get("/v1/account", headers=_bearer(ada)).json or {}

    answer = client.post("/v1/auth/verify", json={"token": mailed(providers, TokenPurpose.VERIFY)})

    after = client.get("/v1/account", headers=_bearer(ada)).json or {}
    assert answer.status_code == 204
    assert (before["email_verified"], after["email_verified"]) == (False, True)
    assert len(_facts(providers.db, "account.registered")) == 1


def test_a_letter_that_verifies_can_be_asked_for_again_until_it_was_used(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    first = mailed(providers, TokenPurpose.VERIFY)
    resent = client.post("/v1/auth/verify/resend", headers=_bearer(ada))
    second = mailed(providers, TokenPurpose.VERIFY)

    used = client.post("/v1/auth/verify", json={"token": second})

    assert (resent.status_code, resent.json) == (202, {"accepted": True})
    assert used.status_code == 204
    assert _refused(client.post("/v1/auth/verify", json={"token": first})) == (
        422, "token_refused",
    )  # fmt: skip
    again = client.post("/v1/auth/verify/resend", headers=_bearer(ada))
    assert _refused(again) == (409, "already_verified")


def test_a_stranger_cannot_have_letters_sent(client: FlaskClient) -> None:
    assert client.post("/v1/auth/verify/resend").status_code == 401


def test_a_forgotten_password_is_chosen_anew_once(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    token = _forget(client, providers)

    first = _reset(client, token)
    second = _reset(client, token, "a third horse battery")

    assert first.status_code == 204
    assert _refused(second) == (422, "token_refused")
    assert (_login(client, ADA["password"]), _login(client, NEW)) == (401, 200)
    assert len(_facts(providers.db, "account.password_changed")) == 1


def test_a_reset_ends_every_session_and_proves_the_address(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    other = client.post("/v1/auth/login", json=ADA).json or {}

    _reset(client, _forget(client, providers))

    shown = [{"refresh_token": each["refresh_token"]} for each in (ada, other)]
    assert [client.post("/v1/auth/refresh", json=each).status_code for each in shown] == [401, 401]
    assert (client.get("/v1/account", headers=_bearer(ada)).json or {})["email_verified"] is True


def test_a_reset_voids_every_other_token(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    verifying, earlier = mailed(providers, TokenPurpose.VERIFY), _forget(client, providers)
    latest = _forget(client, providers)

    _reset(client, latest)

    assert _refused(_reset(client, earlier)) == (422, "token_refused")
    assert _refused(client.post("/v1/auth/verify", json={"token": verifying})) == (
        422, "token_refused",
    )  # fmt: skip


def test_a_token_of_another_purpose_is_none(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    verifying, choosing = mailed(providers, TokenPurpose.VERIFY), _forget(client, providers)

    chosen = _reset(client, verifying)
    verified = client.post("/v1/auth/verify", json={"token": choosing})

    assert _refused(chosen) == _refused(verified) == (422, "token_refused")
    assert (_login(client, ADA["password"]), _login(client, NEW)) == (200, 401)


@pytest.mark.parametrize(
    ("purpose", "seconds"), [(TokenPurpose.RESET, HOUR), (TokenPurpose.VERIFY, WEEK)]
)
def test_a_token_lapses(
    client: FlaskClient,
    providers: Providers,
    ada: dict[str, str],
    clock: Clock,
    purpose: TokenPurpose,
    seconds: int,
) -> None:
    _forget(client, providers)
    token = mailed(providers, purpose)
    clock.advance(seconds)

    path = "/v1/auth/verify" if purpose is TokenPurpose.VERIFY else "/v1/auth/reset"
    password = {} if purpose is TokenPurpose.VERIFY else {"password": NEW}
    answer = client.post(path, json={"token": token} | password)

    assert _refused(answer) == (422, "token_refused")
    assert _login(client, ADA["password"]) == 200


def test_a_token_is_void_once_the_address_is_another(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    token = _forget(client, providers)
    with providers.db.transaction() as session:
        session.execute(text("UPDATE users SET email = 'countess@example.com'"))

    assert _refused(_reset(client, token)) == (422, "token_refused")


FORGERIES: dict[str, Callable[[Providers], str]] = {
    "empty": lambda _wired: "cwm_",
    "another-kind": lambda _wired: "cwr_" + "A" * 64,
    "zeros": lambda _wired: "cwm_" + "A" * 64,
    "no-ascii": lambda _wired: "cwm_é" + "A" * 63,
    "no-such-row": lambda wired: wired.mailed_tokens.token(new_id()),
    "one-letter-off": lambda wired: _one_letter_off(wired.mailed_tokens.token(_last(wired))),
    "without-its-kind": lambda wired: wired.mailed_tokens.token(_last(wired))[4:],
    "another-secret": lambda wired: MailedTokens("another secret" * 4).token(_last(wired)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_nobody_sent_is_refused_alike(
    client: FlaskClient, providers: Providers, ada: dict[str, str], forgery: str
) -> None:
    _forget(client, providers)

    answer = _reset(client, FORGERIES[forgery](providers))

    assert _refused(answer) == (422, "token_refused")
    assert NEW not in answer.get_data(as_text=True)
    assert _login(client, ADA["password"]) == 200


def test_forgetting_says_the_same_of_known_and_unknown_addresses_at_the_same_cost(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    answers, costs = [], []
    for email in (ADA["email"], "unknown@example.com", "Ada@EXAMPLE.com"):
        with statements(providers.db) as seen:
            answers.append(client.post("/v1/auth/forgot", json={"email": email}))
        costs.append(list(seen))

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert {answer.get_data() for answer in answers} == {answers[0].get_data()}
    assert costs[0] == costs[1] == costs[2]
    assert len(_facts(providers.db, "account.password_reset_requested")) == 3


def test_a_token_for_an_address_nobody_has_opens_nothing_even_once_somebody_does(
    client: FlaskClient, providers: Providers
) -> None:
    token = _forget(client, providers)
    client.post("/v1/auth/register", json=ADA)

    assert _refused(_reset(client, token)) == (422, "token_refused")


def test_resetting_takes_no_password_that_registering_would_not(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    token = _forget(client, providers)

    answer = _reset(client, token, "short")

    assert _refused(answer) == (422, "validation_failed")
    assert _reset(client, token).status_code == 204


def test_neither_a_token_nor_anything_that_opens_lies_in_the_database(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    token = _forget(client, providers)

    with providers.db.reading() as session:
        rows = session.execute(
            text("SELECT t::text FROM mailed_tokens t UNION ALL SELECT o::text FROM outbox o")
        )
        kept = "\n".join(rows.scalars())

    assert token not in kept
    assert token.removeprefix("cwm_")[-32:] not in kept


def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(
    client: FlaskClient, ada: dict[str, str]
) -> None:
    other = client.post("/v1/auth/login", json=ADA).json or {}

    answer = client.post(
        "/v1/auth/password",
        json={"current": ADA["password"], "new": NEW},
        headers=_bearer(ada),
    )

    mine = {"refresh_token": (answer.json or {})["refresh_token"]}
    assert answer.status_code == 200
    assert client.post("/v1/auth/refresh", json=mine).status_code == 200
    for old in (ada, other):
        shown = {"refresh_token": old["refresh_token"]}
        assert client.post("/v1/auth/refresh", json=shown).status_code == 401
    assert (_login(client, ADA["password"]), _login(client, NEW)) == (401, 200)


def test_a_stolen_access_token_changes_no_password(
    client: FlaskClient, ada: dict[str, str]
) -> None:
    answer = client.post(
        "/v1/auth/password", json={"current": "guessed", "new": NEW}, headers=_bearer(ada)
    )

    assert _refused(answer) == (403, "wrong_password")
    assert _login(client, ADA["password"]) == 200


def test_guessing_the_present_password_is_stopped_for_each_person(providers: Providers) -> None:
    client = _strict(providers, logins_per_minute=2)
    ada = client.post("/v1/auth/register", json=ADA).json or {}
    guess = {"current": "guessed", "new": NEW}

    answers = [
        client.post("/v1/auth/password", json=guess, headers=_bearer(ada)).status_code
        for _ in range(3)
    ]

    assert answers == [403, 403, 429]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/auth/verify", {"token": "cwm_x"}),
        ("/v1/auth/reset", {"token": "cwm_x", "password": NEW}),
        ("/v1/auth/forgot", {"email": "ada@example.com"}),
    ],
)
def test_one_address_cannot_try_tokens_or_ask_for_letters_without_end(
    providers: Providers, path: str, body: dict[str, str]
) -> None:
    client = _strict(providers, logins_per_minute=2, letters_per_hour=100)

    answers = [client.post(path, json=body).status_code for _ in range(3)]

    assert answers[:2] == [answers[0]] * 2
    assert answers[2] == 429


def test_one_mailbox_is_not_filled_whoever_asks_and_whether_or_not_it_is_known(
    providers: Providers,
) -> None:
    client = _strict(providers, letters_per_hour=2, trusted_proxies=1)
    client.post("/v1/auth/register", json=ADA)

    def ask(email: str, number: int) -> int:
        return client.post(
            "/v1/auth/forgot",
            json={"email": email},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        ).status_code

    known = [ask(email, n) for n, email in enumerate(["ada@example.com", "ADA@example.com"] * 2)]
    unknown = [ask("eve@example.com", number) for number in range(4)]

    assert known == unknown == [202, 202, 429, 429]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"email": 5}', b'{"email": "\\ud800"}', b""])
def test_a_body_that_names_no_mailbox_is_counted_and_refused(
    client: FlaskClient, body: bytes
) -> None:
    answer = client.post("/v1/auth/forgot", data=body, content_type="application/json")

    assert answer.status_code in (400, 422)


def test_neither_a_token_nor_a_password_reaches_the_log_or_a_problem(
    client: FlaskClient, providers: Providers, ada: dict[str, str]
) -> None:
    log = io.StringIO()
    configure("DEBUG", stream=log)
    try:
        token = _forget(client, providers)
        wrong = {"current": "my secret guess", "new": NEW}
        answers = [
            _reset(client, token, "short"),
            _reset(client, token + "x"),
            _reset(client, token),
            _reset(client, token),
            client.post("/v1/auth/password", json=wrong, headers=_bearer(ada)),
            client.post("/v1/auth/reset", json={"token": {"token": token}, "password": NEW}),
        ]
    finally:
        configure("WARNING")

    said = log.getvalue() + "".join(answer.get_data(as_text=True) for answer in answers)
    assert [answer.status_code for answer in answers] == [422, 422, 204, 422, 403, 422]
    assert "/v1/auth/reset" in log.getvalue()
    assert [secret for secret in (token, NEW, "my secret guess") if secret in said] == []


def test_old_mailed_tokens_are_forgotten(
    client: FlaskClient, providers: Providers, ada: dict[str, str], clock: Clock
) -> None:
    _forget(client, providers)
    clock.advance(HOUR)

    with providers.db.transaction() as session:
        gone = service.forget_old_mailed_tokens(session)

    with providers.db.reading() as session:
        left = session.scalars(select(MailedToken.purpose)).all()
    assert (gone, left) == (1, [TokenPurpose.VERIFY])


def test_who_never_chose_a_password_cannot_be_told_from_nobody(
    client: FlaskClient, providers: Providers
) -> None:
    with providers.db.transaction() as session:
        session.add(User(email=ADA["email"], password_hash="!"))

    known = client.post("/v1/auth/login", json=ADA)
    unknown = client.post("/v1/auth/login", json=ADA | {"email": "eve@example.com"})

    assert _refused(known) == _refused(unknown) == (401, "bad_credentials")


def _strict(wired: Providers, **limits: int) -> FlaskClient:
    changed = wired.settings.model_copy(update=limits)
    wiring.use(replace(wired, settings=changed))
    return create_app().test_client()


def _last(wired: Providers) -> UUID:
    with wired.db.reading() as session:
        wanted = select(MailedToken.id).order_by(MailedToken.id.desc()).limit(1)
        return session.scalars(wanted).one()


def _one_letter_off(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")
