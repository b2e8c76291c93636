"""Stripe's published schemas, as jsonschema reads them; see spec/README.md."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

EXTRACT = json.loads(Path(__file__).with_name("spec").joinpath("stripe.json").read_text())
LISTED = {"/v1/payment_intents": "payment_intent_list", "/v1/charges": "charge_list",
          "/v1/refunds": "refund_list", "/v1/events": "event_list"}  # fmt: skip


def check(answer: dict[str, Any]) -> None:
    """Fail where an answer is not what Stripe documents, or has a field Stripe does not know."""
    validator(schema_name(answer)).validate(answer)
    if answer.get("object") == "event":
        check(answer["data"]["object"])
    for row in answer.get("data", []) if answer.get("object") == "list" else []:
        check(row)


def schema_name(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return "error"
    if answer["object"] == "list":
        return LISTED[answer["url"]]
    return "payment_intent_search" if answer["object"] == "search_result" else answer["object"]


@cache
def validator(name: str) -> Draft202012Validator:
    schemas = {key: converted(schema) for key, schema in EXTRACT["schemas"].items()}
    whole = {"components": {"schemas": schemas}}
    registry = Registry().with_resource("urn:stripe", Resource(whole, DRAFT202012))
    reference = {"$ref": f"urn:stripe#/components/schemas/{name}"}
    return Draft202012Validator(reference, registry=registry)


def converted(schema: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable` becomes a type, unknown properties are refused."""
    if isinstance(schema, list):
        return [converted(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {word: converted(value) for word, value in schema.items() if word != "nullable"}
    if isinstance(schema.get("properties"), dict):
        result.setdefault("additionalProperties", False)
    if schema.get("nullable") is True:
        if "enum" in result:
            result["enum"] = [*result["enum"], None]
        result = {"anyOf": [result, {"type": "null"}]}
    return result
