"""`Prefer` header (RFC 7240): how long a request waits for its result."""

import re
from dataclasses import dataclass

from flask import Request

PREFER = {
    "Prefer": "`wait=20`: answer when the work is done, or after that many seconds, at most as many as the server is"
    " set to; `respond-async`, or nothing: answer at once."
}
APPLIED = {"Preference-Applied": "What of `Prefer` was followed."}
_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)


@dataclass(frozen=True)
class Preference:
    """How long to wait, in seconds, and whether the answer may come before the work is done in any case."""

    wait_s: float = 0.0
    asks_to_wait: bool = False
    asks_for_no_wait: bool = False

    @property
    def is_given(self) -> bool:
        """Whether the request prefers anything."""
        return self.asks_to_wait or self.asks_for_no_wait

    def headers(self, is_done: bool) -> dict[str, str]:
        """Return the headers of an answer that came when the work was done, or before."""
        applied = [f"wait={self.wait_s:.0f}"] if self.asks_to_wait else []
        if self.asks_for_no_wait and not is_done:
            applied.append("respond-async")
        return {"Preference-Applied": ", ".join(applied)} if applied else {}


def preference_of(request: Request, most_s: float) -> Preference:
    """Return what `request` prefers; it waits `most_s` seconds at most. What cannot be understood is ignored."""
    asked = [part.split(";")[0].strip() for value in request.headers.getlist("Prefer") for part in value.split(",")]
    waits = [match[1] for part in asked if (match := _WAIT.fullmatch(part))]
    no_wait = "respond-async" in (part.lower() for part in asked)
    # Of a preference that is given twice, the first counts.
    return Preference(min(float(waits[0]), most_s), True, no_wait) if waits else Preference(0.0, False, no_wait)
