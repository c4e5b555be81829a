"""Access checks of every request: its site of origin, the token of forms, the key of programs.

A browser sends its cookie along whoever made it send the request. So one that would change something must come from
our own pages: the browser says where it comes from (`Sec-Fetch-Site`, `Origin`), and the page proves it by a token.
Requests without our cookie have nothing to steal and need none: curl, scripts, test clients.
"""

from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request

from service.context.app_context import AppContext, parts
from service.context.identity import new_browser
from service.domain.problems import CrossSiteError, FormTokenError, KeyRequiredError
from service.web.rate_limit import SAFE_METHODS

TOKEN_FIELD = "csrf_token"  # nosec B105 # a name, no secret
TOKEN_HEADER = "X-CSRF-Token"  # nosec B105 # a name, no secret
# `none`: the person typed the address or opened a bookmark.
_OWN_SITES = {"same-origin", "none"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def guard(app: Flask) -> None:
    """Check every request of `app` before it is answered; make `csrf_token()` known to templates."""
    app.before_request(_check)
    app.after_request(_remember)
    app.add_template_global(csrf_token)


def ensure_browser_id() -> None:
    """See to it that the browser that asks has a number, and with it a token for its forms; the answer carries it."""
    g.browser = parts().owners.browser_of(request) or new_browser()


def csrf_token() -> str:
    """Return the token for the forms of the page that is made; empty for who has no cookie and is given none."""
    owners = parts().owners
    browser = g.get("browser") or owners.browser_of(request)
    return owners.token_of(browser) if browser else ""


def _check() -> None:
    changes_something = request.method not in SAFE_METHODS
    if changes_something and is_cross_site(request):
        raise CrossSiteError("The request was made by a page of another site.")
    of = parts()
    if of.owners.keys.owner_of(request):
        return  # No page of another site could have added the key.
    browser = of.owners.browser_of(request)
    if not browser and of.owners.keys.are_required and _is_for_programs(of):
        raise KeyRequiredError("Send one of the server's API keys: Authorization: Bearer KEY.")
    if browser and changes_something and not of.owners.is_token_of(browser, _sent_token()):
        raise FormTokenError(f"The form field {TOKEN_FIELD} or the header {TOKEN_HEADER} is missing or out of date.")


def is_cross_site(request: Request) -> bool:
    """Whether the browser that sent `request` says that a page of another origin made it do so."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OWN_SITES
    origin = request.headers.get("Origin")
    return origin is not None and _host_of(origin) != _host_of(f"{request.scheme}://{request.host}")


def _host_of(origin: str) -> tuple[str | None, int | None]:
    """Return host and port; without the scheme, which a proxy in between changes."""
    try:
        parsed = urlsplit(origin)
        port = parsed.port
    except ValueError:
        return None, None
    return parsed.hostname, None if port in _DEFAULT_PORTS.values() else port


def _sent_token() -> str:
    # Where there is a header, it decides alone: the body need not be read then.
    return request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")


def _is_for_programs(of: AppContext) -> bool:
    return request.blueprint != "pages" and request.path.startswith(f"{of.settings.base_dir}/v1/")


def _remember(response: Response) -> Response:
    if "browser" in g:
        parts().owners.remember(g.browser, request, response)
    return response
