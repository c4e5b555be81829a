"""Authentication by API key, and the owner of a key's photos.

Keys are not stored: rows carry a hash, which does not reveal a long random key.
"""

import hashlib
import hmac

from flask import Request

HEADER = "X-API-Key"
_SCHEME = "bearer"


class Keys:
    """The configured keys; without any, none is needed."""

    def __init__(self, configured: str) -> None:
        """Take the keys, separated by commas."""
        self._keys = tuple(key.strip().encode() for key in configured.split(",") if key.strip())

    @property
    def are_required(self) -> bool:
        """Return whether programs need a key."""
        return bool(self._keys)

    def owner_of(self, request: Request) -> str | None:
        """Return the owner that belongs to the key of `request`; None without a valid key."""
        sent = _sent(request).encode()
        # All keys are compared in constant time, against timing attacks.
        matches = [
            hmac.compare_digest(hashlib.sha256(sent).digest(), hashlib.sha256(key).digest()) for key in self._keys
        ]
        return f"key-{hashlib.sha256(sent).hexdigest()}" if any(matches) else None


def _sent(request: Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == _SCHEME else request.headers.get(HEADER, "").strip()
