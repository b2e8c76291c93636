"""What is beside the API: pages for people, faults and counts for tests."""

import json
import re
from typing import Any

from devstack.stripe import pages
from devstack.stripe.calls import Answer
from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.errors import StripeError
from devstack.stripe.faults import BadFault, read_fault

QUESTION = re.compile(r"/3ds/([A-Za-z0-9_]{1,255})")
ANSWERED = re.compile(r"/3ds/([A-Za-z0-9_]{1,255})/(approve|fail)")
TEST_ANSWER = re.compile(r"/_test/3ds/([A-Za-z0-9_]{1,255})/(approve|fail)")
TEST_PROCESSING = re.compile(r"/_test/processing/([A-Za-z0-9_]{1,255})/(succeed|fail)")
TEST_REFUND = re.compile(r"/_test/refunds/([A-Za-z0-9_]{1,255})/(succeed|fail)")


def respond(emulator: StripeEmulator, method: str, path: str, body: bytes) -> Answer:
    """Answer anything that is not `/v1/…`."""
    try:
        if path.startswith("/_"):
            return _test(emulator, method, path, body)
        return _people(emulator, method, path)
    except StripeError as error:
        return _json(error.status, {"error": {"message": error.body["message"]}})
    except BadFault as refusal:
        return _json(400, {"error": {"message": str(refusal)}})


def _people(emulator: StripeEmulator, method: str, path: str) -> Answer:
    if method == "GET" and path == "/":
        return _html(200, pages.recent(emulator.recent_intents(), emulator.state()))
    asked, answered = QUESTION.fullmatch(path), ANSWERED.fullmatch(path)
    if method == "GET" and asked:
        intent = emulator.intent(asked[1])
        return _html(200, pages.question(intent)) if intent else _html(404, pages.not_found())
    if method == "POST" and answered:
        intent = emulator.answer_authentication(answered[1], approved=answered[2] == "approve")
        address = pages.way_back(intent) or f"/3ds/{intent['id']}"
        return Answer(303, b"", {"Location": address})
    return _html(404, pages.not_found())


def _test(emulator: StripeEmulator, method: str, path: str, body: bytes) -> Answer:
    if path == "/_faults":
        return _faults(emulator, method, body)
    if (method, path) == ("GET", "/_test/state"):
        return _json(200, emulator.state())
    if (method, path) == ("GET", "/_test/requests"):
        return _json(200, {"requests": emulator.requests()})
    if (method, path) == ("POST", "/_test/reset"):
        emulator.reset()
        return _json(200, emulator.state())
    holder, bank = TEST_ANSWER.fullmatch(path), TEST_PROCESSING.fullmatch(path)
    if method == "POST" and holder:
        intent = emulator.answer_authentication(holder[1], approved=holder[2] == "approve")
        return _json(200, {"id": intent["id"], "status": intent["status"]})
    if method == "POST" and bank:
        intent = emulator.answer_processing(bank[1], succeeded=bank[2] == "succeed")
        return _json(200, {"id": intent["id"], "status": intent["status"]})
    repaid = TEST_REFUND.fullmatch(path)
    if method == "POST" and repaid:
        refund = emulator.answer_refund(repaid[1], succeeded=repaid[2] == "succeed")
        return _json(200, {"id": refund["id"], "status": refund["status"]})
    return _json(404, {"error": {"message": f"no {method} {path[:200]} here"}})


def _faults(emulator: StripeEmulator, method: str, body: bytes) -> Answer:
    if method == "DELETE":
        emulator.faults.clear()
    elif method == "POST":
        try:
            wanted = json.loads(body)
        except ValueError as error:
            raise BadFault("the body is not JSON") from error
        emulator.faults.add(read_fault(wanted))
    elif method != "GET":
        return _json(405, {"error": {"message": "GET, POST or DELETE"}})
    return _json(200, {"faults": emulator.faults.waiting()})


def _json(status: int, document: Any) -> Answer:
    return Answer(status, json.dumps(document).encode())


def _html(status: int, page: str) -> Answer:
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": pages.CONTENT_SECURITY_POLICY,
    }
    return Answer(status, page.encode(), headers)
