"""The API described: the OpenAPI document and Swagger UI, both served from here and nowhere
else."""

from functools import lru_cache
from importlib.resources import files

from flask import Blueprint, Flask, Response, abort, current_app, json, request
from flask.typing import ResponseReturnValue

from app.web.auth import public, requires
from app.web.blueprints import Api

DOCUMENT_PATH = "/openapi.json"
_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><title>Cartwright API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body>
</html>
"""
_START = f"""window.ui = SwaggerUIBundle({{
  url: "{DOCUMENT_PATH}", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  persistAuthorization: true, displayRequestDuration: true
}});
"""

docs = Blueprint("docs", __name__)


def init_app(app: Flask, api: Api) -> None:
    """Serve the document of this API, and its reader."""
    app.extensions["openapi"] = api
    app.register_blueprint(docs)


@docs.get(DOCUMENT_PATH)
@requires(public)
def openapi() -> ResponseReturnValue:
    """The OpenAPI 3.1 document of everything this API does."""
    api: Api = current_app.extensions["openapi"]
    if api.document is None:
        api.document = json.dumps(api.described()).encode()
    response = Response(api.document, mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=60"
    response.add_etag()
    return response.make_conditional(request)


@docs.get("/docs")
@requires(public)
def read() -> Response:
    """Swagger UI."""
    response = Response(_PAGE, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@docs.get("/docs/<name>")
@requires(public)
def asset(name: str) -> ResponseReturnValue:
    """A file of Swagger UI."""
    if name not in _TYPES:
        abort(404)
    response = Response(_content(name), mimetype=_TYPES[name])
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.add_etag()
    return response.make_conditional(request)


@lru_cache(maxsize=len(_TYPES))
def _content(name: str) -> bytes:
    if name == "start.js":
        return _START.encode()
    return files("flask_swagger_ui").joinpath("dist", name).read_bytes()
