"""Settings in, the Flask application out: `create_app`."""

from pathlib import Path
from typing import IO, Any, cast

from flask import Flask, Request
from flask import request as current_request
from flask_babel import Babel, get_locale

from service import api, pages, reference, watching
from service.errors import register_error_handler
from service.guard import guard
from service.headers import add_headers
from service.parts import EXTENSION, Parts, parts
from service.settings import ROOT, Settings, load_settings
from service.submission import most_upload_bytes
from service.traffic import number_requests

LOCALES = ("en", "zh")
_TRANSLATIONS = Path(__file__).resolve().parent / "translations"
_FORM_OVERHEAD_BYTES = 1_000_000


class PhotoRequest(Request):
    """A request whose uploaded files go straight to the data folder, up to the limit."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        limit = most_upload_bytes(parts().settings.max_upload_mb)
        return cast(IO[bytes], parts().files.receive(limit))


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
    app.register_blueprint(pages.blueprint, url_prefix=settings.base_dir or None)
    app.register_blueprint(watching.blueprint, url_prefix=settings.base_dir or None)
    app.register_blueprint(api.blueprint, url_prefix=settings.base_dir or None)
    app.register_blueprint(reference.blueprint, url_prefix=settings.base_dir or None)
    number_requests(app, parts_.traffic)
    register_error_handler(app)
    guard(app)
    add_headers(app)
    app.context_processor(lambda: {"locale": str(get_locale()).replace("_", "-")})
    Babel(app, default_translation_directories=str(_TRANSLATIONS), locale_selector=_select_locale)
    return app


def _select_locale() -> str:
    return current_request.accept_languages.best_match(LOCALES, default=LOCALES[0]) or LOCALES[0]
