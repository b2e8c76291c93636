"""What operations may look at, through the door."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models import Role, User
from app.platform.db import Database
from app.platform.ids import encode, new_id
from app.saga.incidents import close_incident, open_incident
from app.saga.states import SagaState
from app.wiring import Providers
from tests.factories import make_checkout


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
