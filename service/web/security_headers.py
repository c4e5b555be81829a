"""Headers of every answer: what its contents may not do in a browser, and who may keep a copy of it."""

from flask import Flask, Response, request

from service.context import api_keys

# Nothing but this application's own files, and no inline script or style; `blob:` shows previews of chosen photos.
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_UNUSED_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb", "serial")

SECURITY_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


# The areas of the application whose answers depend on who asks: a browser by its cookie, a program by its key.
_PRIVATE_AREAS = {"album", "api", "examples", "pages", "results"}
_WHO_ASKS = ("Cookie", "Authorization", api_keys.HEADER)
_NEVER_KEPT = {"text/html", "application/json", "application/problem+json"}


def add_headers(app: Flask) -> None:
    """Let every answer of `app` carry the security headers, errors and static files included."""
    app.after_request(_secure)


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    is_private = request.blueprint in _PRIVATE_AREAS or response.mimetype == "text/html"
    if is_private or response.status_code >= 400:
        response.vary.update(_WHO_ASKS)
        # "Not modified" speaks of a copy that may be kept, whatever its own type is.
        if response.mimetype in _NEVER_KEPT and response.status_code != 304:
            response.vary.add("Accept-Language")
            response.cache_control.private = True
            response.cache_control.no_store = True
    return response
