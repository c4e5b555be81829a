"""An answer in, the same answer out with the headers that tell browsers what its contents may not do."""

from flask import Flask, Response

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


def add_headers(app: Flask) -> None:
    """Let every answer of `app` carry the security headers, errors and static files included."""
    app.after_request(_secure)


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.vary.update(("Accept-Language", "Cookie"))
        response.cache_control.no_store = True
    return response
