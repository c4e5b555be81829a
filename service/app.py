"""Factory of the Flask application: `create_app`."""

from flask import Flask

from service.api import routes
from service.context.app_context import EXTENSION, AppContext
from service.context.request_log import number_requests
from service.ops import health
from service.pages import examples, history, home, reference, result_pages
from service.settings import ROOT, Settings, load_settings, most_upload_bytes
from service.web.access import guard
from service.web.compression import compress
from service.web.error_handler import register_error_handler
from service.web.identifiers import check_ids
from service.web.languages import init_i18n
from service.web.photo_request import PhotoRequest, check_hosts
from service.web.rate_limit import limit_requests, trust_proxies
from service.web.security_headers import add_headers

_FORM_OVERHEAD_BYTES = 1_000_000


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application; without `settings`, they come from the environment. Starts no worker yet."""
    settings = settings or load_settings()
    app = Flask(
        "photo-colorizer",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        static_url_path=f"{settings.base_dir}/static",
    )
    app.request_class = PhotoRequest
    app.json.sort_keys = False  # type: ignore[attr-defined]
    most = most_upload_bytes(settings.max_upload_mb)
    app.config["MAX_CONTENT_LENGTH"] = most * settings.max_files + _FORM_OVERHEAD_BYTES
    app.extensions[EXTENSION] = parts_ = AppContext.of(settings)
    for area in (home, result_pages, history, examples, health, routes, reference):
        app.register_blueprint(area.blueprint, url_prefix=settings.base_dir or None)
    number_requests(app, parts_.traffic)
    register_error_handler(app)
    check_hosts(app)
    trust_proxies(app, settings.proxies)
    limit_requests(app, settings, parts_.owners)
    guard(app)
    check_ids(app)
    add_headers(app)
    init_i18n(app)
    compress(app)
    return app
