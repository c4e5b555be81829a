"""Warm-up of a worker, after which the next photo is colorized at once, and its recorded state."""

import logging
import time
from typing import Protocol

from colorizers.errors import ColorizerError
from service.workers.maintenance import Maintenance

_AGAIN_S = 60.0

_log = logging.getLogger("service.workers.worker")


class Warms(Protocol):
    """The part of a painter that warms up."""

    is_warm: bool

    def warm_up(self) -> None:
        """Colorize a sample photo; `is_warm` is true then."""


class WarmUp:
    """Warms up the painter of one worker, and records the worker's state through its `Maintenance`."""

    def __init__(self, painter: Warms, maintenance: Maintenance) -> None:
        self._painter = painter
        self._maintenance = maintenance
        self._again_at = 0.0
        self._is_recorded = False

    def attempt(self) -> None:
        """Warm up, unless that is done, or has failed less than a minute ago.

        After a failure the worker goes on: each photo will fail with its reason.
        """
        if self._painter.is_warm or time.monotonic() < self._again_at:
            return
        try:
            self._painter.warm_up()
        except Exception as error:
            self._again_at = time.monotonic() + _AGAIN_S
            if isinstance(error, ColorizerError):
                _log.error("no photo can be coloured: %s", error.message)
            else:
                _log.error("no photo can be coloured", exc_info=error)
            self._maintenance.set_state("unable")
        self.note()

    def note(self) -> None:
        """Record that the worker is ready once it has colorized any photo."""
        if self._painter.is_warm and not self._is_recorded:
            self._is_recorded = True
            self._maintenance.set_state("ready")
