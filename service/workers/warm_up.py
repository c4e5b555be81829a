"""The way of a worker from its start to where the next photo is coloured at once, and what it says of that."""

import logging
import time
from typing import Protocol

from colorizers.errors import ColorizerError
from service.workers.maintenance import Maintenance

_AGAIN_S = 60.0

_log = logging.getLogger("service.workers.worker")


class Warms(Protocol):
    """What does the work of a worker."""

    is_warm: bool

    def warm_up(self) -> None:
        """Colour a photo that nobody has sent; then `is_warm`."""


class WarmUp:
    """Warms up the painter of one worker, and has its `Maintenance` say how far it is."""

    def __init__(self, painter: Warms, chores: Maintenance) -> None:
        self._painter = painter
        self._maintenance = chores
        self._again_at = 0.0
        self._is_said = False

    def attempt(self) -> None:
        """Warm up, unless that is done, or has failed a short while ago.

        Where it fails, photos will say why: the worker goes on.
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
            self._maintenance.say("unable")
        self.note()

    def note(self) -> None:
        """Say that the worker is ready once it has coloured a photo, be it one that was sent."""
        if self._painter.is_warm and not self._is_said:
            self._is_said = True
            self._maintenance.say("ready")
