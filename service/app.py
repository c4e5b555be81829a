"""Settings in, the Flask application out: `create_app`."""

from flask import Flask

from service import album, api, examples, pages, reference, result_pages, watching
from service.compression import compress
from service.errors import register_error_handler
from service.guard import guard
from service.headers import add_headers
from service.identifiers import check_ids
from service.languages import speak
from service.parts import EXTENSION, Parts
from service.photo_request import PhotoRequest, check_hosts
from service.rates import limit_requests, trust_proxies
from service.settings import ROOT, Settings, load_settings
from service.submission import most_upload_bytes
from service.traffic import number_requests

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
    app.extensions[EXTENSION] = parts_ = Parts.of(settings)
    for area in (pages, result_pages, album, examples, watching, api, reference):
        app.register_blueprint(area.blueprint, url_prefix=settings.base_dir or None)
    number_requests(app, parts_.traffic)
    register_error_handler(app)
    check_hosts(app)
    trust_proxies(app, settings.proxies)
    limit_requests(app, settings, parts_.owners)
    guard(app)
    check_ids(app)
    add_headers(app)
    speak(app)
    compress(app)
    return app
