"""Requests Stripe does not take: no key, unknown words, wrong values; nothing is changed."""

import http.client

import jsonschema
import pytest
import requests
import stripe

from tests.devstack.stripe import specification


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "did not provide an API key"),
        ("Bearer ", "did not provide an API key"),
        ("Digest x", "did not provide an API key"),
        ("Basic !!!", "did not provide an API key"),
        ("Bearer sk_live_1234567890abcdef", "Invalid API Key provided: sk_live_"),
        ("Bearer pk_test_1234567890", "Invalid API Key provided"),
        ("Bearer nonsense", "Invalid API Key provided"),
    ],
)
def test_a_call_without_a_test_key_is_refused(server, header, message):
    headers = {"Authorization": header} if header else {}

    answer = requests.get(f"{server.url}/v1/payment_intents", headers=headers, timeout=5)

    assert answer.status_code == 401
    assert message in answer.json()["error"]["message"]
    assert "1234567890abcdef" not in answer.text


def test_a_key_may_come_as_the_user_of_basic(server):
    answer = requests.get(f"{server.url}/v1/payment_intents", auth=("sk_test_x", ""), timeout=5)

    assert answer.json()["object"] == "list"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": -5}, "parameter_invalid_integer", "amount"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": 10**12}, "amount_too_large", "amount"),
        ({"amount": 10**30}, "parameter_invalid_integer", "amount"),
        ({"amount": "12.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": ""}, "parameter_invalid_empty", "amount"),
        ({"currency": "xxx"}, None, "currency"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"confirm": "maybe"}, None, "confirm"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        (
            {"payment_method_options": {"card": {"colour": "red"}}},
            "parameter_unknown",
            "payment_method_options[card][colour]",
        ),
        ({"payment_method_types": ["teapot"]}, None, "payment_method_types[0]"),
        ({"shipping": "here"}, None, "shipping"),
        ({"description": {"a": "b"}}, None, "description"),
        ({"metadata": "x"}, None, "metadata"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata"),
        ({"statement_descriptor": "x" * 23}, None, "statement_descriptor"),
        ({"return_url": "javascript:alert(1)", "confirm": True}, "url_invalid", "return_url"),
        ({"return_url": "https://shop.example"}, None, "return_url"),
        ({"automatic_payment_methods": {"enabled": True}}, None, "payment_method_types"),
    ],
)
def test_a_wrong_value_is_named(payments, fields, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.create(**fields)

    assert (refusal.value.http_status, refusal.value.code) == (400, code)
    assert refusal.value.param == param
    assert payments.intents.list().data == []


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_what_is_needed_is_named(payments, name):
    fields = {"amount": 2000, "currency": "usd"}
    del fields[name]

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.create(fields)

    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", name)


@pytest.mark.parametrize(
    ("call", "path"), [("GET", "/v1/teapots"), ("DELETE", "/v1/payment_intents/pi_1")]
)
def test_an_unknown_address_is_named(server, call, path):
    answer = requests.request(call, server.url + path, auth=("sk_test_x", ""), timeout=5)

    assert answer.status_code == 404
    assert f"Unrecognized request URL ({call}: {path})" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b'{"amount": 2000}', "application/json"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"amount=%ff%fe", "application/x-www-form-urlencoded"),
        (b"amount", "application/x-www-form-urlencoded"),
        (b"amount=1&amount[a]=2", "application/x-www-form-urlencoded"),
        (b"a[[]=1", "application/x-www-form-urlencoded"),
        (b"a" + b"[b]" * 50 + b"=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"metadata[k%d]=1" % n for n in range(2000)), ""),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(server, body, media):
    answer = requests.post(
        f"{server.url}/v1/payment_intents",
        data=body,
        headers={"Content-Type": media, "Authorization": "Bearer sk_test_x"},
        timeout=5,
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Content-Length", "10000000", 413),
        ("Content-Length", "-1", 411),
        ("Content-Length", "many", 411),
        ("Transfer-Encoding", "chunked", 411),
    ],
)
def test_a_body_of_unknown_or_great_length_is_refused(server, name, value, status):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.putrequest("POST", "/v1/payment_intents")
    connection.putheader(name, value)
    connection.endheaders()

    answer = connection.getresponse()

    assert answer.status == status
    connection.close()


def test_the_check_of_answers_can_fail(payments):
    intent = payments.create().to_dict()

    for wrong in ({"status": "lost"}, {"amount": "2000"}, {"colour": "red"}, {"created": None}):
        with pytest.raises(jsonschema.ValidationError):
            specification.check({**intent, **wrong})
