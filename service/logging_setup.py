"""How every process of the application logs: one line of `name=value` pairs per event, to standard error.

`request` is the id of the request that an event belongs to, in the web process as in the worker that does its work.
"""

import json
import logging
import re
import time
from contextvars import ContextVar

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
_PLAIN = re.compile(r"[^\s=\"\\]+")


class PairsFormatter(logging.Formatter):
    """Writes a record as `time=... level=... logger=... request=... msg="..."`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`; a traceback follows on lines of its own."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        pairs = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": REQUEST_ID.get(),
            "msg": record.getMessage(),
        }
        line = " ".join(f"{name}={_quoted(value)}" for name, value in pairs.items() if value)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def configure_logging() -> None:
    """Set up logging, unless whoever embeds the application has done so already."""
    handler = logging.StreamHandler()
    handler.setFormatter(PairsFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # What these say of every task and credential is no event of ours.
    for name in ("celery", "botocore", "aiobotocore"):
        logging.getLogger(name).setLevel(logging.WARNING)
