"""Pages for people: what was paid, and the 3-D Secure question."""

import pytest
import requests

NASTY = "<script>alert('x')</script>"


def test_the_first_page_shows_what_was_paid_and_escapes_it(server, payments):
    intent = payments.authorize(description=NASTY)
    payments.pay(metadata={NASTY: NASTY})

    page = requests.get(server.url, timeout=5)

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert intent.id in page.text
    assert "requires_capture" in page.text
    assert "$20.00" in page.text
    assert NASTY not in page.text
    assert "&lt;script&gt;" in page.text


def test_an_empty_page_says_so(server):
    assert "No payments yet" in requests.get(server.url, timeout=5).text


@pytest.mark.parametrize(
    ("answer", "status"), [("approve", "requires_capture"), ("fail", "requires_payment_method")]
)
def test_the_question_is_answered_with_a_button(server, payments, answer, status):
    back = "https://shop.example/zurück?order=7#here"
    intent = payments.authorize("pm_card_threeDSecure2Required", return_url=back)
    address = intent.next_action.redirect_to_url.url
    page = requests.get(address, timeout=5).text
    assert f'action="/3ds/{intent.id}/{answer}"' in page

    answered = requests.post(f"{address}/{answer}", allow_redirects=False, timeout=5)

    assert answered.status_code == 303
    assert answered.headers["Location"] == (
        f"https://shop.example/zur%C3%BCck?order=7&payment_intent={intent.id}"
        f"&payment_intent_client_secret={intent.client_secret}#here"
    )
    assert payments.intents.retrieve(intent.id).status == status
    assert "Nothing to approve" in requests.get(address, timeout=5).text


@pytest.mark.parametrize("path", ["/3ds/pi_no", "/teapot", "/3ds/%3Cscript%3E"])
def test_an_address_that_leads_nowhere_is_not_found(server, path):
    page = requests.get(server.url + path, timeout=5)

    assert page.status_code == 404
    assert "script" not in page.text


@pytest.mark.parametrize("path", ["/_test/3ds/pi_no/approve", "/_test/teapot", "/3ds/pi_no/fail"])
def test_an_answer_to_nothing_is_not_found(server, path):
    assert requests.post(server.url + path, timeout=5).status_code == 404


def test_a_processing_payment_is_answered_over_http(server, payments, emulator):
    emulator.fault(operation="payment_intents.create", kind="processing")
    intent = payments.pay()

    answer = requests.post(f"{server.url}/_test/processing/{intent.id}/succeed", timeout=5)

    assert answer.json() == {"id": intent.id, "status": "succeeded"}
