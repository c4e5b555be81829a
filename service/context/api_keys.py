"""The keys of `API_KEYS` in, whether a request carries one out, and the owner that its photos then have.

A key is never stored: rows carry a hash of it, which says nothing about the key as long as that is long and random.
"""

import hashlib
import hmac

from flask import Request

HEADER = "X-API-Key"
_SCHEME = "bearer"


class Keys:
    """The keys that programs may use; with none configured, nobody needs one."""

    def __init__(self, configured: str) -> None:
        """Take the keys, separated by commas."""
        self._keys = tuple(key.strip().encode() for key in configured.split(",") if key.strip())

    @property
    def are_required(self) -> bool:
        """Whether programs need a key."""
        return bool(self._keys)

    def owner_of(self, request: Request) -> str | None:
        """Return the owner that the valid key of `request` stands for; None without such a key."""
        sent = _sent(request).encode()
        # Every key is compared in full: the time taken tells nothing about them.
        matches = [
            hmac.compare_digest(hashlib.sha256(sent).digest(), hashlib.sha256(key).digest()) for key in self._keys
        ]
        return f"key-{hashlib.sha256(sent).hexdigest()}" if any(matches) else None


def _sent(request: Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == _SCHEME else request.headers.get(HEADER, "").strip()
