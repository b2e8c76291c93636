"""Invoices and receipts through the door: who may have them, and what they cost."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.adapters.queue.inline import InlineQueue
from app.config import Settings
from app.events.outbox import announce
from app.payments.events import PaymentCaptured
from app.payments.models import Payment
from app.payments.states import PaymentStatus
from app.platform.ids import decode, encode
from app.wiring import Providers
from devstack.stripe.server import RunningServer
from tests.api.people import Person, Street, paying, street
from tests.statements import statements

Issue = Callable[[str], dict[str, Any]]
NOWHERE = encode("ord", UUID(int=7))


@pytest.fixture
def settings(settings: Settings, psp: RunningServer) -> Settings:
    """The shop pays through the emulator."""
    return paying(settings, psp)


@pytest.fixture
def shop(providers: Providers, queue: InlineQueue, client: FlaskClient) -> Street:
    """A shop in which a guest and a customer have bought boots of one merchant."""
    return street(providers, queue, client)


@pytest.fixture
def issue(shop: Street) -> Issue:
    """Let the merchant issue the invoice for somebody's order."""

    def issue(who: str) -> dict[str, Any]:
        order_id = shop.people[who].ids["order_id"]
        _take_money(shop, who)
        answer = shop.people["merchant"].post(f"/v1/merchant/orders/{order_id}/invoice")
        assert answer.status_code == 200, answer.json
        return dict(answer.json or {})

    return issue


def _take_money(shop: Street, who: str) -> None:
    """The provider has taken all of it, and the shop has heard so."""
    order_id = decode("ord", shop.people[who].ids["order_id"])
    with shop.wired.db.transaction() as session:
        payment = session.scalars(select(Payment).where(Payment.order_id == order_id)).one()
        payment.captured, payment.status = payment.amount, PaymentStatus.CAPTURED
        about = payment.id, order_id, payment.checkout_id
        announce(session, PaymentCaptured(*about, payment.amount, payment.currency))


def _text(answer: TestResponse) -> str:
    pages = PdfReader(BytesIO(answer.data)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_a_merchant_issues_its_invoice_by_hand_and_gets_the_same_one_again(
    shop: Street, issue: Issue
) -> None:
    order = shop.people["customer"].get(f"/v1/orders/{shop.people['customer'].ids['order_id']}")

    first, again, other = issue("customer"), issue("customer"), issue("guest")

    assert first == again
    assert (first["number"], first["printed_number"]) == (1, "000001")
    assert first["total"] == (order.json or {})["total"]
    assert first["tax"] == (order.json or {})["tax"]
    assert first["order_id"] == shop.people["customer"].ids["order_id"]
    assert other["number"] == 2


def test_what_was_neither_paid_nor_sent_is_not_billed(shop: Street) -> None:
    path = f"/v1/merchant/orders/{shop.people['customer'].ids['order_id']}/invoice"

    answer = shop.people["merchant"].post(path)

    assert answer.status_code == 409
    assert (answer.json or {})["code"] == "nothing_to_bill"


def test_an_invoice_issued_under_a_key_is_answered_again(shop: Street) -> None:
    _take_money(shop, "customer")
    path = f"/v1/merchant/orders/{shop.people['customer'].ids['order_id']}/invoice"

    first = shop.people["merchant"].post(path, Idempotency_Key="once")
    again = shop.people["merchant"].post(path, Idempotency_Key="once")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"]


@pytest.mark.parametrize(
    ("who", "status"),
    [("nobody", 401), ("guest", 403), ("customer", 403), ("rival", 404), ("ops", 403)],
)
def test_only_who_sold_may_issue_an_invoice(shop: Street, who: str, status: int) -> None:
    path = f"/v1/merchant/orders/{shop.people['customer'].ids['order_id']}/invoice"

    answer = shop.people[who].post(path)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("who", ["customer", "merchant", "ops"])
def test_who_bought_who_sold_and_operations_may_read_an_invoice(
    shop: Street, issue: Issue, who: str
) -> None:
    invoice = issue("customer")

    listed = shop.people[who].get(f"/v1/orders/{invoice['order_id']}/invoices")
    paper = shop.people[who].get(invoice["pdf_url"])

    assert listed.json == {"data": [invoice]}
    assert paper.status_code == 200
    assert paper.mimetype == "application/pdf"
    assert paper.headers["Cache-Control"].startswith("private")
    assert paper.headers["Content-Disposition"] == 'inline; filename="invoice-1.pdf"'
    assert "Invoice 000001" in _text(paper)


def test_a_guest_reads_the_invoice_of_the_own_cart(shop: Street, issue: Issue) -> None:
    invoice = issue("guest")

    assert shop.people["guest"].get(invoice["pdf_url"]).status_code == 200


@pytest.mark.parametrize(
    ("who", "status"), [("nobody", 401), ("guest", 404), ("visitor", 404), ("rival", 404)]
)
def test_nobody_else_learns_that_there_is_an_invoice(
    shop: Street, issue: Issue, who: str, status: int
) -> None:
    invoice = issue("customer")
    person = shop.people[who]

    answers = [
        person.get(f"/v1/orders/{invoice['order_id']}/invoices"),
        person.get(invoice["pdf_url"]),
        person.get(f"/v1/orders/{invoice['order_id']}/receipt"),
    ]

    assert [answer.status_code for answer in answers] == [status] * 3
    assert {answer.mimetype for answer in answers} == {"application/problem+json"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"/v1/orders/{NOWHERE}/invoices", "order_not_found"),
        (f"/v1/orders/{NOWHERE}/receipt", "order_not_found"),
        (f"/v1/invoices/{encode('inv', UUID(int=7))}.pdf", "invoice_not_found"),
        ("/v1/invoices/inv_1.pdf", "not_found"),
        (f"/v1/invoices/{NOWHERE}.pdf", "not_found"),
    ],
)
def test_what_is_not_there_is_not_found(shop: Street, path: str, code: str) -> None:
    answer = shop.people["ops"].get(path)

    assert (answer.status_code, (answer.json or {})["code"]) == (404, code)
    assert answer.mimetype == "application/problem+json"


def test_an_order_without_invoices_has_an_empty_list(shop: Street) -> None:
    path = f"/v1/orders/{shop.people['customer'].ids['order_id']}/invoices"

    assert shop.people["customer"].get(path).json == {"data": []}


def test_an_invoice_that_is_known_is_not_sent_again(shop: Street, issue: Issue) -> None:
    invoice = issue("customer")
    first = shop.people["customer"].get(invoice["pdf_url"])

    again = shop.people["customer"].get(invoice["pdf_url"], If_None_Match=first.headers["ETag"])

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("who", ["customer", "guest"])
def test_who_paid_gets_a_receipt_once_money_was_taken(shop: Street, who: str) -> None:
    path = f"/v1/orders/{shop.people[who].ids['order_id']}/receipt"

    before = shop.people[who].get(path)
    _take_money(shop, who)
    after = shop.people[who].get(path)

    assert (before.status_code, (before.json or {})["code"]) == (409, "nothing_paid")
    assert after.status_code == 200
    assert after.headers["Cache-Control"].startswith("private")
    assert "Payment taken" in _text(after)


def test_a_merchant_gets_no_receipt_of_who_paid(shop: Street) -> None:
    _take_money(shop, "customer")

    answer = shop.people["merchant"].get(
        f"/v1/orders/{shop.people['customer'].ids['order_id']}/receipt"
    )

    assert answer.status_code == 404


BUDGETS = {
    "invoices": ("/v1/orders/{order_id}/invoices", 2),
    "invoice": ("{pdf_url}", 2),
    "receipt": ("/v1/orders/{order_id}/receipt", 7),
}


@pytest.mark.parametrize(("path", "most"), BUDGETS.values(), ids=BUDGETS)
def test_a_paper_stays_within_its_budget(shop: Street, issue: Issue, path: str, most: int) -> None:
    customer: Person = shop.people["customer"]
    _take_money(shop, "customer")
    wanted = path.format_map(issue("customer") | customer.ids)

    with statements(shop.wired.db) as sql:
        answer = customer.get(wanted)

    assert answer.status_code == 200
    assert len(sql) <= most, "\n".join(sql)


def test_issuing_stays_within_its_budget(shop: Street) -> None:
    _take_money(shop, "customer")
    path = f"/v1/merchant/orders/{shop.people['customer'].ids['order_id']}/invoice"

    with statements(shop.wired.db) as sql:
        answer = shop.people["merchant"].post(path)

    assert answer.status_code == 200
    assert len(sql) <= 13, "\n".join(sql)
