"""A request in, the browser that sent it out: a signed cookie tells one anonymous browser from another, nothing more.

The home page gives the cookie, so a browser has one before it sends a photo. Programs never ask for that page and stay
without: their photos belong to whoever knows the id.
"""

import hashlib
import os
import secrets
from pathlib import Path

from flask import Request, Response
from itsdangerous import BadSignature, Signer

COOKIE = "photo_colorizer"
_FILE = "secret-key"
_KEPT_S = 365 * 24 * 3600


def load_secret(configured: str, data_dir: Path) -> str:
    """Return the key that signs cookies: the configured one, else that of `data_dir`, made where there is none yet."""
    if configured:
        return configured
    path = data_dir / _FILE
    if not path.exists():
        _create(path)
    return path.read_text(encoding="ascii")


def _create(path: Path) -> None:
    """Write a new key that only this user can read; of processes that do so at once, the first one's counts."""
    part = path.with_name(f"{_FILE}-{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


class Owners:
    """Reads and gives the cookie of one application."""

    def __init__(self, secret: str, path: str) -> None:
        self._signer = Signer(secret, salt=COOKIE, digest_method=hashlib.sha256)
        self._path = path

    def of(self, request: Request) -> str | None:
        """Return the browser that sent `request`, as 32 hexadecimal digits; None without a cookie that we signed."""
        try:
            return self._signer.unsign(request.cookies.get(COOKIE, "")).decode("ascii")
        except BadSignature:
            return None

    def remember(self, request: Request, response: Response) -> None:
        """Give the browser its cookie, a new one where it has none; each time it lasts another year."""
        browser = self.of(request) or secrets.token_hex(16)
        value = self._signer.sign(browser).decode("ascii")
        response.set_cookie(
            COOKIE, value, _KEPT_S, path=self._path, secure=request.is_secure, httponly=True, samesite="Lax"
        )
