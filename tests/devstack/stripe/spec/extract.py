"""Takes from Stripe's OpenAPI document what the emulator answers: `python extract.py spec3.json`.

The document is `embedded/openapi/spec3.json` of the Go module github.com/stripe/stripe-mock.
Descriptions go, and with them expansions and payment methods the emulator does not play.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("stripe.json")
REFERENCE = "#/components/schemas/"
RESOURCES = {"payment_intent", "charge", "refund", "event", "payment_method", "api_errors"}
LISTS = {
    "payment_intent_list": "/v1/payment_intents",
    "payment_intent_search": "/v1/payment_intents/search",
    "charge_list": "/v1/charges",
    "refund_list": "/v1/refunds",
    "event_list": "/v1/events",
}
ONLY = {  # of objects with a property for each way to pay, those the emulator plays
    "payment_method_details": {"type", "card"},
    "payment_intent_payment_method_options": {"card"},
    "payment_intent_next_action": {"type", "redirect_to_url", "use_stripe_sdk"},
    "payment_intent_processing": {"type", "card"},
    "refund_destination_details": {"type", "card"},
}
WAYS_TO_PAY_KEPT = {"card"}
KEPT_WORDS = {
    "type", "properties", "required", "items", "enum", "nullable", "anyOf", "$ref",
    "additionalProperties", "maxLength", "format", "pattern",
}  # fmt: skip
FOREIGN = "x-resourceId"


def main(source: str) -> None:
    """Write the extract beside this file."""
    document = json.loads(Path(source).read_text())
    schemas = document["components"]["schemas"]
    found: dict[str, Any] = {"error": reduced("error", schemas["error"], schemas)}
    for name, path in LISTS.items():
        answer = document["paths"][path]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        found[name] = reduced(name, schema, schemas)
    waiting = sorted(RESOURCES)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = reduced(name, schemas[name], schemas)
        for schema in list(found.values()):
            waiting += [one for one in references(schema) if one not in found]
    extract = {
        "source": "github.com/stripe/stripe-mock v0.203.0, embedded/openapi/spec3.json (MIT)",
        "version": document["info"]["version"],
        "schemas": dict(sorted(found.items())),
    }
    TARGET.write_text(json.dumps(extract, indent=1, sort_keys=True) + "\n")


def reduced(name: str, schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema without words for people, foreign resources and ways to pay nobody plays."""
    slim = {word: value for word, value in schema.items() if word in KEPT_WORDS}
    if "anyOf" in slim:
        options = [option for option in slim["anyOf"] if not is_foreign(option, schemas)]
        slim["anyOf"] = [reduced(name, option, schemas) for option in options]
    for word in ("items", "additionalProperties"):
        if isinstance(slim.get(word), dict):
            slim[word] = reduced(f"{name}.{word}", slim[word], schemas)
    if "properties" in slim:
        slim["properties"] = {
            key: reduced(f"{name}.{key}", value, schemas)
            for key, value in slim["properties"].items()
            if is_kept(name, key, value, schemas)
        }
    return slim


def is_kept(name: str, key: str, value: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a property belongs to what the emulator answers."""
    if is_foreign(value, schemas):
        return False
    options = value.get("anyOf")
    if options and all(is_foreign(option, schemas) for option in options):
        return False
    if name == "payment_method":
        ways = set(schemas["payment_method"]["properties"]["type"]["enum"])
        return key not in ways or key in WAYS_TO_PAY_KEPT
    return name not in ONLY or key in ONLY[name]


def is_foreign(option: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a schema is a resource of Stripe's that the emulator does not have."""
    name = option.get("$ref", "").removeprefix(REFERENCE)
    return bool(name) and FOREIGN in schemas[name] and name not in RESOURCES


def references(schema: Any) -> Iterator[str]:
    """The names of every schema this one speaks of."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(REFERENCE)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


if __name__ == "__main__":
    main(sys.argv[1])
