"""Stripe's request bodies: form-encoded names with brackets, checked against a table of parsers."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from devstack.stripe.errors import StripeError, invalid_request

Raw: TypeAlias = str | dict[str, Any]
Parser: TypeAlias = Callable[[str, Raw], Any]

DEPTH_MAX = 8
FIELDS_MAX = 1000
KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
INTEGER = re.compile(r"^-?[0-9]{1,18}$")


def decode(encoded: str) -> dict[str, Any]:
    """Read `a[b][]=c` into nested dictionaries; lists become dictionaries with number keys."""
    try:
        pairs = parse_qsl(
            encoded,
            keep_blank_values=True,
            strict_parsing=bool(encoded),
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError as error:  # UnicodeDecodeError is one too
        raise invalid_request("Invalid request: the form could not be read.") from error
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _put(tree, name, value)
    return tree


def _put(tree: dict[str, Any], name: str, value: str) -> None:
    match = KEY.match(name)
    steps = re.findall(r"\[([^\[\]]*)\]", match[2]) if match else []
    if match is None or len(steps) > DEPTH_MAX:
        raise invalid_request(f"Invalid request: cannot read the parameter name {name[:100]!r}.")
    *parents, last = [match[1], *steps]
    place = tree
    for step in parents:
        child = place.setdefault(step or str(len(place)), {})
        if not isinstance(child, dict):
            raise invalid_request(f"Invalid object: {name[:100]}", param=match[1])
        place = child
    place[last or str(len(place))] = value


def read(parameters: Mapping[str, Parser], tree: Mapping[str, Any], inside: str = "") -> Any:
    """Check a decoded form against its table: unknown names are refused, values are converted."""
    values = {}
    for name, raw in tree.items():
        path = f"{inside}[{name}]" if inside else name
        if name not in parameters:
            raise unknown_parameter(path)
        values[name] = parameters[name](path, raw)
    return values


def unknown_parameter(path: str) -> StripeError:
    """A parameter this operation does not take, or this emulator does not play."""
    return invalid_request(
        f"Received unknown parameter: {path}", code="parameter_unknown", param=path
    )


def missing_parameter(path: str) -> StripeError:
    """A parameter without which the operation makes no sense."""
    return invalid_request(f"Missing required param: {path}.", code="parameter_missing", param=path)


def text(limit: int = 5000) -> Parser:
    """A string of at most `limit` characters; an empty one unsets the field."""

    def parse(path: str, raw: Raw) -> str | None:
        value = _string(path, raw)
        if len(value) > limit:
            raise invalid_request(
                f"Invalid string: {value[:20]}…; must be at most {limit} characters", param=path
            )
        return value or None

    return parse


_TEXT = text()


def identity(path: str, raw: Raw) -> str:
    """The id of another object, or another text that may not be empty."""
    value: str | None = _TEXT(path, raw)
    if not value:
        raise _empty(path)
    return value


def integer(*, least: int | None = None) -> Parser:
    """A whole number, in minor units where it is money."""

    def parse(path: str, raw: Raw) -> int:
        value = _string(path, raw)
        if not value:
            raise _empty(path)
        if not INTEGER.match(value):
            raise invalid_request(
                f"Invalid integer: {value[:100]}", code="parameter_invalid_integer", param=path
            )
        if least is not None and int(value) < least:
            raise invalid_request(
                f"This value must be greater than or equal to {least}.",
                code="parameter_invalid_integer",
                param=path,
            )
        return int(value)

    return parse


def boolean(path: str, raw: Raw) -> bool:
    """true or false."""
    value = _string(path, raw)
    if value not in ("true", "false"):
        raise invalid_request(f"Invalid boolean: {value[:100]}", param=path)
    return value == "true"


def choice(*options: str) -> Parser:
    """One of a closed set of words."""

    def parse(path: str, raw: Raw) -> str:
        value = _string(path, raw)
        if not value:
            raise _empty(path)
        if value not in options:
            listed = ", ".join(options[:-1]) + (", or " if options[:-1] else "") + options[-1]
            raise invalid_request(f"Invalid {path}: must be one of {listed}", param=path)
        return value

    return parse


def group(fields: Mapping[str, Parser]) -> Parser:
    """A nested object with its own table; an empty string unsets it."""

    def parse(path: str, raw: Raw) -> Any:
        if raw == "":
            return None
        if isinstance(raw, str):
            raise invalid_request(f"Invalid object: {raw[:100]}", param=path)
        return read(fields, raw, path)

    return parse


def listing(item: Parser) -> Parser:
    """A list: `name[]=a&name[]=b` or `name[0]=a&name[1]=b`."""

    def parse(path: str, raw: Raw) -> list[Any]:
        if raw == "":
            return []
        if isinstance(raw, str) or not all(key.isdecimal() for key in raw):
            raise invalid_request("Invalid array", param=path)
        ordered = sorted(raw, key=int)
        return [item(f"{path}[{key}]", raw[key]) for key in ordered]

    return parse


def metadata(path: str, raw: Raw) -> dict[str, str]:
    """Free facts of the merchant: 50 keys of 40 characters, values of 500; empty unsets a key."""
    if raw == "":
        return {"": ""}
    if isinstance(raw, str):
        raise invalid_request("Invalid object: metadata must be a hash", param=path)
    if len(raw) > 50:
        raise invalid_request("Metadata can have up to 50 keys.", param=path)
    for key, value in raw.items():
        if len(key) > 40:
            raise invalid_request(
                f"Metadata keys can have up to 40 characters, but you passed in a key that is "
                f"{len(key)} characters. Invalid key: {key[:60]}",
                param=path,
            )
        if len(_string(f"{path}[{key}]", value)) > 500:
            raise invalid_request(
                f"Metadata values can have up to 500 characters, but you passed in a value that "
                f"is {len(value)} characters. Invalid value: {value[:60]}…",
                param=f"{path}[{key}]",
            )
    return dict(raw)


def period(path: str, raw: Raw) -> dict[str, int]:
    """A time or a range of times: `created=1` or `created[gte]=1&created[lt]=2`, in seconds."""
    whole = integer()
    if isinstance(raw, str):
        return {"gte": whole(path, raw), "lte": whole(path, raw)}
    fields = dict.fromkeys(("gt", "gte", "lt", "lte"), whole)
    found: dict[str, int] = read(fields, raw, path)
    return found


def _string(path: str, raw: Raw) -> str:
    if not isinstance(raw, str):
        raise invalid_request("Invalid string: expected a string, got a hash", param=path)
    return raw


def _empty(path: str) -> StripeError:
    return invalid_request(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{path}' cannot be unset. You should remove '{path}' from your "
        "request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=path,
    )
