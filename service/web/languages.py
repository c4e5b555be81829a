"""Choice of the language: `?lang=` asks for one, a cookie remembers it, else the browser says."""

from typing import NamedTuple
from urllib.parse import urlencode

from flask import Flask, Response, g, request, url_for
from flask_babel import Babel, get_locale

from service.context.app_context import parts
from service.settings import ROOT

COOKIE = "photo_colorizer_language"
PARAMETER = "lang"
# Each by its own name: whoever looks for a language may read no other.
LANGUAGES = {"en": "English", "zh": "中文"}
_DEFAULT = "en"
_KEPT_S = 365 * 24 * 3600
_TRANSLATIONS = ROOT / "service" / "translations"


class Language(NamedTuple):
    """One language to choose from: its code and name, whether the page is in it, and the address of the page in it."""

    code: str
    name: str
    is_current: bool
    address: str


def init_i18n(app: Flask) -> None:
    """Make every answer of `app` speak the reader's language; templates get `locale` and `languages()`."""
    Babel(app, default_translation_directories=str(_TRANSLATIONS), locale_selector=_select)
    app.context_processor(lambda: {"locale": _spoken()})
    app.add_template_global(languages)
    app.after_request(_remember)


def languages() -> list[Language]:
    """Return the languages to choose from on the page that is made."""
    return [Language(code, name, code == _spoken(), _address(code)) for code, name in LANGUAGES.items()]


def lasting_address(address: str) -> None:
    """Note under which address the page that is made can be had again, where that is not the request's own."""
    g.lasting_address = address


def _address(code: str) -> str:
    choice = {PARAMETER: code}
    if request.method in ("GET", "HEAD"):
        # Relative, so that it stays on this page whatever its path looks like.
        return f"?{urlencode([*_other_arguments(), *choice.items()])}"
    return f"{g.get('lasting_address') or url_for('pages.home')}?{urlencode(choice)}"


def _other_arguments() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.args.items(multi=True) if name != PARAMETER]


def _spoken() -> str:
    return str(get_locale()).replace("_", "-")


def _select() -> str:
    for choice in (_asked_for(), request.cookies.get(COOKIE)):
        if choice in LANGUAGES:
            return choice
    return request.accept_languages.best_match(LANGUAGES, default=_DEFAULT) or _DEFAULT


def _asked_for() -> str | None:
    choice = request.args.get(PARAMETER)
    return choice if choice in LANGUAGES else None


def _remember(response: Response) -> Response:
    choice = _asked_for()
    if choice:
        path = parts().settings.base_dir or "/"
        response.set_cookie(COOKIE, choice, _KEPT_S, path=path, secure=request.is_secure, httponly=True, samesite="Lax")
    return response
