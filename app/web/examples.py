"""Gives every field of the OpenAPI document an example, so that each operation can be tried."""

from collections.abc import Mapping
from typing import Any

_SPEAKING = frozenset({"example", "examples", "enum", "default", "const", "$ref"})
_NESTING = frozenset({"anyOf", "allOf", "oneOf"})
_KNOWN_FORMATS = frozenset({"date-time", "uuid"})


def fill(document: dict[str, Any], examples: Mapping[str, Any]) -> dict[str, Any]:
    """Put an example at each field that does not speak for itself; gives the document.

    Examples are known by the field's name, or by `Schema.field` where one name means two things.
    """
    schemas = document.get("components", {}).get("schemas", {})
    for of, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            example = examples.get(f"{of}.{name}", examples.get(name))
            if example is not None and not speaks(field):
                field["example"] = example
    return document


def speaks(field: Mapping[str, Any]) -> bool:
    """Whether a reader, or Swagger UI, can tell what a value of this field looks like."""
    kinds = field.get("type")
    return (
        not _SPEAKING.isdisjoint(field)
        or not _NESTING.isdisjoint(field)
        or "boolean" in (kinds if isinstance(kinds, list) else [kinds])
        or field.get("format") in _KNOWN_FORMATS
        or ("items" in field and speaks(field["items"]))
    )
