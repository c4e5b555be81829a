"""Identity of the requester: a browser by its signed cookie, a program by its API key.

The home page sets the cookie, so that a browser has one before it sends a photo. Programs do not load that page: their
photos belong to their key, or, where no keys are configured, to whoever knows the id.
"""

import hashlib
import hmac
import logging
import secrets
from pathlib import Path

import sqlalchemy as sa
from flask import Request, Response
from itsdangerous import BadSignature, Signer

from service.context.api_keys import Keys
from service.jobs.database import shared_secret
from service.settings import LEAST_SECRET_BYTES, Settings
from service.storage.private_files import create_private, locked, make_private, make_private_folder, sync

COOKIE = "photo_colorizer"
_FILE = "secret-key"
_TOKEN_BYTES = hashlib.sha256().digest_size
_KEPT_S = 365 * 24 * 3600

_log = logging.getLogger(__name__)


def secret_of(settings: Settings, database: sa.Engine) -> str:
    """Return the key that signs cookies: where several machines share a database, all have the same."""
    if settings.database_url and not settings.secret_key:
        return shared_secret(database, "cookies", secrets.token_hex(32))
    return load_secret(settings.secret_key, settings.data_dir)


def load_secret(configured: str, data_dir: Path) -> str:
    """Return the key that signs cookies: the configured one, else that of `data_dir`.

    That is made where there is none yet, and anew where it is so short that it could be guessed.
    """
    if configured:
        return configured
    make_private_folder(data_dir)
    path = data_dir / _FILE
    # Of processes that start together, one makes the key.
    with locked(data_dir):
        if not path.exists():
            _create(path)
        key = path.read_bytes().strip()
        if len(key) < LEAST_SECRET_BYTES:
            _log.warning("%s held only %d bytes; it is made anew, and browsers get new cookies", path, len(key))
            _create(path)
            key = path.read_bytes()
        make_private(path)
    return key.decode("latin-1")


def _create(path: Path) -> None:
    """Write a new key that only this user can read, replacing an existing one."""
    part = path.with_name(f"{_FILE}-{secrets.token_hex(8)}")
    create_private(part)
    part.write_text(secrets.token_hex(LEAST_SECRET_BYTES), encoding="ascii")
    sync(part)
    part.replace(path)
    sync(path.parent)


class Owners:
    """Tells the visitors of one application apart, gives browsers their cookie and their forms a token."""

    def __init__(self, secret: str, path: str, keys: Keys | None = None) -> None:
        self._signer = Signer(secret, salt=COOKIE, digest_method=hashlib.sha256)
        self._token_key = hashlib.sha256(f"form token of {secret}".encode()).digest()
        self._path = path
        self.keys = keys or Keys("")

    def of(self, request: Request) -> str | None:
        """Return whom the photos of `request` belong to: the key it carries, else the browser; None without both."""
        return self.keys.owner_of(request) or self.browser_of(request)

    def browser_of(self, request: Request) -> str | None:
        """Return the browser that sent `request`, as 32 hexadecimal digits; None without a cookie that we signed."""
        try:
            return self._signer.unsign(request.cookies.get(COOKIE, "")).decode("ascii")
        except BadSignature:
            return None

    def token_of(self, browser: str) -> str:
        """Return a token that a request of `browser` must carry to change something: no other site can read it.

        It looks different each time, so that nobody finds it out from the length of compressed pages.
        """
        mask = secrets.token_bytes(_TOKEN_BYTES)
        return (mask + _xor(mask, self._token(browser))).hex()

    def is_token_of(self, browser: str, sent: str) -> bool:
        """Whether `sent` is one of the tokens of `browser`."""
        try:
            masked = bytes.fromhex(sent)
        except ValueError:
            return False
        token = _xor(masked[:_TOKEN_BYTES], masked[_TOKEN_BYTES:])
        return len(masked) == 2 * _TOKEN_BYTES and hmac.compare_digest(token, self._token(browser))

    def _token(self, browser: str) -> bytes:
        return hmac.new(self._token_key, browser.encode("ascii"), hashlib.sha256).digest()

    def remember(self, browser: str, request: Request, response: Response) -> None:
        """Give `browser` its cookie; each time it lasts another year."""
        value = self._signer.sign(browser).decode("ascii")
        response.set_cookie(
            COOKIE, value, _KEPT_S, path=self._path, secure=request.is_secure, httponly=True, samesite="Lax"
        )


def _xor(mask: bytes, data: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(mask, data, strict=False))


def new_browser() -> str:
    """Return the number of a browser that has none yet."""
    return secrets.token_hex(16)
