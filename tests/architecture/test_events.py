"""Every fact is declared once, with a topic, a key and a payload that travels."""

import ast
import re
import typing
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from app import wiring
from app.events import registry
from app.events.registry import Declaration, from_payload, to_payload
from tests.architecture.source import modules

TOPIC_OF = {
    "order": "orders",
    "checkout": "orders",
    "shipment": "orders",
    "refund": "orders",
    "return": "orders",
    "payment": "payments",
    "stock": "inventory",
    "product": "catalog",
    "review": "catalog",
    "account": "accounts",
}
# The types that the API's conventions promise to subscribers: who leaves one out breaks theirs.
PROMISED = {
    "checkout.failed", "checkout.expired",
    "order.created", "order.confirmed", "order.canceled", "order.shipped", "order.delivered",
    "order.refunded", "refund.settled", "refund.failed",
    "return.requested", "return.approved", "return.refused", "return.received",
    "return.refunded", "return.canceled", "return.expired",
    "shipment.created", "shipment.tracking_updated",
    "payment.authorized", "payment.captured", "payment.failed", "payment.refunded",
    "payment.action_required", "payment.voided",
    "stock.reserved", "stock.released", "stock.fulfilled", "stock.returned", "stock.received",
    "stock.adjusted", "stock.low",
    "product.created", "product.updated", "product.deleted", "review.published",
    "account.registered", "account.erased",
}  # fmt: skip
DECLARED = sorted(registry.declarations().values(), key=lambda declared: declared.type)
SCHEMAS: dict[Any, dict[str, Any]] = {
    UUID: {"type": "string", "format": "uuid"},
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}
SAMPLES: dict[Any, Any] = {
    UUID: UUID("019ab3e5-7f3c-7c1a-8d1e-0c7e2f4a5b6d"),
    str: "text",
    int: 42,
    bool: True,
}


def _each() -> Any:
    return pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.type)


def test_every_promised_fact_is_declared() -> None:
    assert wiring.REACTIONS
    assert PROMISED - {declared.type for declared in DECLARED} == set()


@_each()
def test_a_fact_stands_in_the_topic_of_its_aggregate(declared: Declaration) -> None:
    aggregate, _, past = declared.type.partition(".")

    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", past)
    assert declared.topic == TOPIC_OF[aggregate]


@_each()
def test_a_fact_is_frozen_and_keyed_by_one_of_its_ids(declared: Declaration) -> None:
    types = typing.get_type_hints(declared.fact)

    assert declared.fact.__dataclass_params__.frozen
    assert types[declared.key] is UUID
    assert declared.version >= 1


@_each()
def test_a_payload_has_a_schema_and_comes_back_as_it_went(declared: Declaration) -> None:
    types = typing.get_type_hints(declared.fact)
    fact = declared.fact(**{name: _sample(kind) for name, kind in types.items()})

    payload = to_payload(fact)

    jsonschema.validate(payload, _schema(types), cls=jsonschema.Draft202012Validator)
    assert from_payload(declared.type, payload) == fact


@_each()
def test_a_payload_may_lack_what_is_optional(declared: Declaration) -> None:
    types = typing.get_type_hints(declared.fact)
    given = {
        name: None if type(None) in typing.get_args(kind) else _sample(kind)
        for name, kind in types.items()
    }

    fact = declared.fact(**given)

    assert from_payload(declared.type, to_payload(fact)) == fact


def test_facts_are_declared_in_the_events_of_their_domain_and_once() -> None:
    places = [
        (module.name, decorator.args[0].value)
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "event"
        and isinstance(decorator.args[0], ast.Constant)
    ]

    assert [name for name, _ in places if not re.fullmatch(r"app/\w+/events\.py", name)] == []
    assert sorted(type for _, type in places) == [declared.type for declared in DECLARED]


def _schema(types: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _of(kind) for name, kind in types.items()},
        "required": sorted(types),
        "additionalProperties": False,
    }


def _of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a field's type; a KeyError names a type that cannot travel."""
    parts = typing.get_args(kind)
    if type(None) in parts:
        return {
            "anyOf": [_of(part) for part in parts if part is not type(None)] + [{"type": "null"}]
        }
    if typing.get_origin(kind) is tuple:
        return {"type": "array", "items": _of(parts[0])}
    return SCHEMAS[kind]


def _sample(kind: Any) -> Any:
    parts = typing.get_args(kind)
    if type(None) in parts:
        return _sample(next(part for part in parts if part is not type(None)))
    if typing.get_origin(kind) is tuple:
        return (_sample(parts[0]),)
    return SAMPLES[kind]
