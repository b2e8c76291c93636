"""The Flask application before it has any routes: strict, sober, and answering problems."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.platform import logging
from app.web import observers, problems, requests
from app.web.converters import TypeIdConverter
from app.wiring import providers


def make_app() -> Flask:
    """An application of this process's settings. Proxies are believed only as far as configured."""
    settings = providers().settings
    logging.configure(settings.log_level)
    app = Flask("app", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_bytes_max
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.url_map.converters["id"] = TypeIdConverter
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    requests.init_app(app)
    problems.init_app(app)
    observers.watch()
    return app
