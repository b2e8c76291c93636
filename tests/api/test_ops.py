"""What operations may look at and decide, through the door."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.models import Role, User
from app.adapters.queue.inline import InlineQueue
from app.checkout.models import Checkout
from app.platform.db import Database
from app.platform.ids import encode, new_id
from app.saga.incidents import close_incident, open_incident
from app.saga.models import Incident, SagaJournal
from app.saga.states import SagaState
from app.wiring import Providers
from tests.factories import make_checkout

NOBODY = UUID(int=7)


@pytest.fixture
def as_role(providers: Providers) -> Callable[[Role], dict[str, str]]:
    """Headers of somebody of a role."""

    def make(role: Role) -> dict[str, str]:
        user = User(id=new_id(), email="grace@example.com", role=role, merchant_id=None)
        return {"Authorization": f"Bearer {providers.tokens.issue(user)}"}

    return make


@pytest.fixture
def get(
    client: FlaskClient, as_role: Callable[[Role], dict[str, str]]
) -> Callable[..., dict[str, Any]]:
    """What an operator is answered."""

    def get(path: str, **query: Any) -> dict[str, Any]:
        answer = client.get(path, query_string=query, headers=as_role(Role.OPS))
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    return get


@pytest.mark.parametrize("path", ["/v1/ops/incidents", "/v1/ops/sagas"])
def test_only_operations_may_look(
    client: FlaskClient, as_role: Callable[[Role], dict[str, str]], path: str
) -> None:
    nobody = client.get(path)
    customer = client.get(path, headers=as_role(Role.CUSTOMER))

    assert nobody.status_code == 401
    assert customer.status_code == 403
    assert customer.mimetype == "application/problem+json"


@pytest.mark.unaudited("saga_unlike_journal")
def test_open_incidents_are_listed_newest_first_with_a_public_subject(
    get: Callable[..., dict[str, Any]], db: Database
) -> None:
    with db.transaction() as session:
        checkout = make_checkout(session)
        saga = {"saga": "purchase", "code": "psp_unavailable"}
        subject = str(checkout.id)
        open_incident(session, kind="letter_failed", subject="old", detail={})
        open_incident(session, kind="saga_authorize", subject=subject, detail=saga)
        open_incident(session, kind="event_parked", subject="over", detail={})
        close_incident(session, kind="event_parked", subject="over")

    still_open = get("/v1/ops/incidents")["data"]
    closed = get("/v1/ops/incidents", state="closed")["data"]

    assert [each["kind"] for each in still_open] == ["saga_authorize", "letter_failed"]
    assert still_open[0]["subject"] == encode("chk", checkout.id)
    assert still_open[0]["detail"]["code"] == "psp_unavailable"
    assert still_open[0]["closed_at"] is None
    assert [each["subject"] for each in closed] == ["over"]
    assert len(get("/v1/ops/incidents", state="all")["data"]) == 3


@pytest.mark.unaudited(
    "change_not_announced", "order_unlike_checkout", "saga_overdue", "saga_unlike_journal"
)
def test_sagas_are_listed_by_state_and_by_default_those_not_at_their_end(
    get: Callable[..., dict[str, Any]], db: Database
) -> None:
    with db.transaction() as session:
        made = {state: make_checkout(session, state=state).id for state in SagaState}

    live = get("/v1/ops/sagas")["data"]
    failed = get("/v1/ops/sagas", state="failed")["data"]

    assert [each["state"] for each in live] == ["needs_attention", "parked", "running"]
    assert [each["id"] for each in failed] == [encode("chk", made[SagaState.FAILED])]
    assert (failed[0]["kind"], failed[0]["step"]) == ("purchase", "authorize")


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_list_is_read_page_by_page_to_its_end(
    get: Callable[..., dict[str, Any]], db: Database
) -> None:
    with db.transaction() as session:
        made = [encode("chk", make_checkout(session).id) for _ in range(5)]

    pages, after = [], {}
    while True:
        page = get("/v1/ops/sagas", limit=2, **after)
        pages.append([each["id"] for each in page["data"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == made[::-1]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/ops/sagas", {"state": "nowhere"}),
        ("/v1/ops/incidents", {"state": "nowhere"}),
        ("/v1/ops/incidents", {"after": "x"}),
        ("/v1/ops/sagas", {"limit": 0}),
    ],
)
def test_a_list_nobody_can_make_sense_of_is_refused(
    client: FlaskClient,
    as_role: Callable[[Role], dict[str, str]],
    path: str,
    query: dict[str, Any],
) -> None:
    answer = client.get(path, query_string=query, headers=as_role(Role.OPS))

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


@pytest.fixture
def post(
    client: FlaskClient, as_role: Callable[[Role], dict[str, str]]
) -> Callable[..., TestResponse]:
    """What an operator is answered who decides something."""

    def post(path: str, **body: Any) -> TestResponse:
        return client.post(path, json=body or None, headers=as_role(Role.OPS))

    return post


def _stuck(db: Database) -> Checkout:
    with db.transaction() as session:
        row = make_checkout(session, state=SagaState.NEEDS_ATTENTION)
        open_incident(
            session, kind=f"saga_{row.step}", subject=str(row.id), detail={"saga": "purchase"}
        )
        session.refresh(row)
        return row


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_saga_that_needs_a_person_goes_on_with_a_new_deadline_and_a_new_key(
    post: Callable[..., TestResponse], db: Database, queue: InlineQueue
) -> None:
    before = _stuck(db)

    answer = post(f"/v1/ops/sagas/{encode('chk', before.id)}/resume")

    assert answer.status_code == 202, answer.json
    assert (answer.json or {})["state"] == "running"
    with db.reading() as session:
        after = session.get_one(Checkout, before.id)
        assert after.key_attempt == before.key_attempt + 1
        assert after.deadline > before.deadline
        assert session.scalars(select(Incident)).one().closed_at is not None
        told = session.scalars(select(SagaJournal).where(SagaJournal.saga_id == before.id)).all()
        assert [entry.detail for entry in told if entry.detail][-1]["resumed_by"].startswith("ops")
    assert [each.id for each in queue.waiting] == [str(before.id)]


@pytest.mark.unaudited("saga_unlike_journal")
def test_a_saga_that_goes_on_by_itself_is_left_alone(
    post: Callable[..., TestResponse], db: Database, queue: InlineQueue
) -> None:
    with db.transaction() as session:
        running = make_checkout(session, state=SagaState.RUNNING)

    answer = post(f"/v1/ops/sagas/{encode('chk', running.id)}/resume")

    assert answer.status_code == 409
    assert (answer.json or {})["code"] == "saga_not_stuck"
    assert list(queue.waiting) == []


@pytest.mark.parametrize(
    "unknown", [encode("chk", NOBODY), encode("ref", NOBODY), "ord_1", "chk_", "chk", "%00"]
)
def test_an_unknown_saga_is_not_found(post: Callable[..., TestResponse], unknown: str) -> None:
    answer = post(f"/v1/ops/sagas/{unknown}/resume")

    assert answer.status_code == 404
    assert (answer.json or {})["code"] == "saga_not_found"


def test_an_incident_is_closed_once_with_a_word_on_how(
    post: Callable[..., TestResponse], db: Database
) -> None:
    with db.transaction() as session:
        open_incident(session, kind="refund_failed", subject="ref", detail={"reason": "closed"})
        incident = session.scalars(select(Incident)).one()
    path = f"/v1/ops/incidents/{encode('inc', incident.id)}/close"

    first = post(path, note="Paid back by bank transfer.")
    again = post(path, note="Something else.")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert (first.json or {})["closed_at"] is not None
    assert (first.json or {})["detail"]["note"] == "Paid back by bank transfer."


@pytest.mark.parametrize("body", [{}, {"note": " "}, {"note": "x" * 501}, {"note": "a\x00b"}])
def test_an_incident_is_not_closed_without_a_word_on_how(
    post: Callable[..., TestResponse], db: Database, body: dict[str, str]
) -> None:
    with db.transaction() as session:
        open_incident(session, kind="refund_failed", subject="ref", detail={})
        incident = session.scalars(select(Incident)).one()

    answer = post(f"/v1/ops/incidents/{encode('inc', incident.id)}/close", **body)

    assert answer.status_code == 422
    with db.reading() as session:
        assert session.scalars(select(Incident)).one().closed_at is None


def test_an_unknown_incident_is_not_found(post: Callable[..., TestResponse]) -> None:
    answer = post(f"/v1/ops/incidents/{encode('inc', new_id())}/close", note="over")

    assert answer.status_code == 404
    assert (answer.json or {})["code"] == "incident_not_found"


@pytest.mark.parametrize("path", ["incidents/{}/close", "sagas/{}/resume"])
def test_only_operations_may_decide(
    client: FlaskClient, as_role: Callable[[Role], dict[str, str]], path: str
) -> None:
    path = f"/v1/ops/{path.format(encode('inc', new_id()))}"

    assert client.post(path, json={"note": "over"}).status_code == 401
    customer = client.post(path, json={"note": "over"}, headers=as_role(Role.CUSTOMER))
    assert customer.status_code == 403
