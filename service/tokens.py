"""The id of a photo in, a signed token that shows it for a while out, and back again. Tokens are kept nowhere."""

import hashlib
import time

from itsdangerous import BadSignature, URLSafeSerializer


class ShareTokens:
    """Makes and reads the tokens of one application."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="share", signer_kwargs={"digest_method": hashlib.sha256})

    def make(self, job_id: str, until_s: float) -> str:
        """Return the token that shows the photo with that id until then (seconds since the epoch)."""
        return str(self._serializer.dumps([job_id, int(until_s)]))

    def read(self, token: str) -> str | None:
        """Return the id of the photo that `token` shows now, None where it is not ours or its time is over."""
        try:
            job_id, until_s = self._serializer.loads(token)
        except BadSignature:
            return None
        return str(job_id) if until_s > time.time() else None
