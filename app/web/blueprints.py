"""flask-smorest, made to answer and to document problems, scopes, keys and limits."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import flask_smorest
from flask import Flask
from flask_smorest.utils import prepare_response
from werkzeug.exceptions import HTTPException

from app.web import converters, problems
from app.web.auth import CART_TOKEN_HEADER, GRANTS, MACHINE, Scope
from app.web.examples import fill
from app.web.parsing import StrictParser

# Python 3.13 renamed some of these; the document says the same under every version.
_NAMES = {413: "CONTENT_TOO_LARGE", 422: "UNPROCESSABLE_CONTENT"}
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Send the same request again under the same key and get the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

_MATCH_PARAMETER = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what was read: refused with 412 where it has changed since.",
    "schema": {"type": "string"},
}
_NONE_MATCH_PARAMETER = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what is known already: 304 where it has not changed.",
    "schema": {"type": "string"},
}


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest ships no types
    """The OpenAPI document of this app, in which every error is a problem."""

    ERROR_SCHEMA = problems.ProblemSchema

    def __init__(self, app: Flask, *, examples: Mapping[str, Any] | None = None) -> None:
        self.document: bytes | None = None
        self._examples = examples or {}
        app.config.update(
            API_TITLE="Cartwright",
            API_VERSION="1.0.0",
            OPENAPI_VERSION="3.1.0",
            API_SPEC_OPTIONS={"info": {"description": _ABOUT}},
        )
        super().__init__(app)
        self.register_converter(converters.TypeIdConverter, converters.parameter_schema)
        schemes = self.spec.components
        schemes.security_scheme(
            "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        )
        schemes.security_scheme(
            "apiKey",
            {"type": "http", "scheme": "bearer", "bearerFormat": "cw_<prefix>_<secret>"},
        )
        schemes.security_scheme(
            "cartToken", {"type": "apiKey", "in": "header", "name": CART_TOKEN_HEADER}
        )

    def described(self) -> dict[str, Any]:
        """The whole document, each field with an example."""
        document = fill(self.spec.to_dict(), self._examples)
        document["components"]["schemas"].pop("PaginationMetadata", None)  # not our pagination
        return document

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Answer what Flask or webargs refused as a problem."""
        return problems.answer(error)

    def _register_responses(self) -> None:
        """Document every error as a problem, in its own media type."""
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": _PHRASES.get(status, status.phrase)}
            if status >= HTTPStatus.BAD_REQUEST:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, problems.MEDIA_TYPE)
            self.spec.components.response(_name(status), response, lazy=True)
        response = {"description": "Any other refusal.", "schema": self.ERROR_SCHEMA}
        prepare_response(response, self.spec, problems.MEDIA_TYPE)
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, response, lazy=True)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """Routes that read strictly, and whose decorators show in the document."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._prepare_doc_cbks.append(_describe)

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        """The view's name is the operation's id."""
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        for method, described in self._docs[endpoint].items():
            if method != "parameters":
                described["operation_id"] = obj.__name__


def _describe(doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what our decorators know: who may call, under which key, refused how."""
    doc["operationId"] = doc_info["operation_id"]
    responses = doc.setdefault("responses", {})
    _rename(responses)
    scopes = doc_info.get("scopes", (Scope.PUBLIC,))
    doc["security"] = _security(scopes)
    for status in _statuses(doc, doc_info, scopes):
        responses.setdefault(status, _name(HTTPStatus(status)))
    if doc_info.get("idempotent"):
        doc.setdefault("parameters", []).append(dict(_KEY_PARAMETER))
    if "412" in map(str, responses):
        doc.setdefault("parameters", []).append(dict(_MATCH_PARAMETER))
    if doc_info.get("cacheable"):
        doc.setdefault("parameters", []).append(dict(_NONE_MATCH_PARAMETER))
        responses.setdefault(304, {"description": "Not Modified"})
    return doc


def _statuses(
    doc: dict[str, Any], doc_info: dict[str, Any], scopes: tuple[Scope, ...]
) -> list[int]:
    asks: list[tuple[bool, tuple[int, ...]]] = [
        (True, (429, 503)),
        (Scope.PUBLIC not in scopes, (401, 403)),
        ("requestBody" in doc, (400, 413, 415, 422)),
        (bool(doc.get("parameters")), (422,)),
        (bool(doc_info.get("idempotent")), (409, 422)),
    ]
    return [status for applies, statuses in asks if applies for status in statuses]


def _security(scopes: tuple[Scope, ...]) -> list[dict[str, list[str]]]:
    if scopes == (Scope.PUBLIC,):
        return []
    ways: list[dict[str, list[str]]] = [{"bearer": []}]
    if MACHINE.issuperset(scopes):
        ways.append({"apiKey": []})
    if GRANTS["guest"].issuperset(scopes):
        ways.append({"cartToken": []})
    if GRANTS["anonymous"].issuperset(scopes):
        ways.append({})
    return ways


def _rename(responses: dict[Any, Any]) -> None:
    """flask-smorest names a component after this Python's phrase book."""
    for status, known in responses.items():
        if isinstance(known, str) and str(status).isdigit():
            responses[status] = _name(HTTPStatus(int(status)))


def _name(status: HTTPStatus) -> str:
    return _NAMES.get(status, status.name)


_ABOUT = (
    "The order backend that cannot oversell, cannot charge twice and cannot lose an order.\n\n"
    "Amounts are integers in minor units of an ISO 4217 currency. Ids carry their kind"
    " (`ord_01h455vb4pex5vsknk084sn02q`). Lists continue with `after`. Every refusal is a problem"
    " (RFC 9457) with a stable `code`."
)
