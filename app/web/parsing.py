"""Bodies and queries are read strictly: real JSON, known fields, text a database can keep."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Request
from marshmallow import RAISE, ValidationError
from webargs.core import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from app.web.problems import MalformedBody


class StrictParser(FlaskParser):
    """webargs, without its forgiveness."""

    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
        "querystring": RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        """The JSON of the body; nothing where there is none. 415 for another type, 400 for what is
        not JSON."""
        if req.mimetype != "application/json" and (req.mimetype or req.get_data(cache=True)):
            raise UnsupportedMediaType("Send the body as application/json.")
        body = req.get_data(cache=True)
        if not body:
            return missing
        content = parse_json(body)
        if b"\\u" in body:
            _refuse_unstorable(content)
        return content

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """The arguments behind the question mark."""
        for name, value in req.args.items(multi=True):
            if "\0" in value:
                raise ValidationError({name: [_UNSTORABLE]})
        return super().load_querystring(req, schema)


_UNSTORABLE = "Contains a character that cannot be kept."


def parse_json(body: bytes) -> Any:
    """JSON as RFC 8259 has it: UTF-8, no NaN or Infinity. Raises MalformedBody."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedBody from error


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _refuse_unstorable(content: Any, *path: str) -> None:
    """PostgreSQL keeps neither NUL nor half a surrogate pair; say so before it does."""
    if isinstance(content, str):
        if "\0" in content or any("\ud800" <= letter <= "\udfff" for letter in content):
            raise ValidationError(_nested(path))
    elif isinstance(content, Mapping):
        for name, value in content.items():
            _refuse_unstorable(name, *path, "key")
            _refuse_unstorable(value, *path, name)
    elif isinstance(content, list):
        for index, value in enumerate(content):
            _refuse_unstorable(value, *path, str(index))


def _nested(path: tuple[str, ...]) -> dict[str, Any]:
    messages: Any = [_UNSTORABLE]
    for name in reversed(path):
        messages = {name: messages}
    found: dict[str, Any] = messages
    return found
