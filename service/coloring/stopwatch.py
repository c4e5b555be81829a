"""The steps of a job's work as they begin, how long each took out; and word of each to whoever waits for the job."""

import time
from collections.abc import Callable

# What a job says of itself in its column `progress`; the other steps are too short to be told.
PROGRESS = {"open": "opening", "predict": "predicting", "render": "rendering", "encode": "encoding"}


class Stages:
    """The stopwatch of one job: one step ends when the next begins."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._current: tuple[str, float] | None = None
        self._seconds: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """Begin the step `name`."""
        self._end()
        if name in PROGRESS:
            self._report(PROGRESS[name])
        self._current = name, time.perf_counter()

    def seconds(self) -> dict[str, float]:
        """Return how long each step took, by its name with `_s` after it; ends the last one."""
        self._end()
        return self._seconds

    def _end(self) -> None:
        if self._current is not None:
            name, began = self._current
            key = f"{name}_s"
            self._seconds[key] = self._seconds.get(key, 0.0) + time.perf_counter() - began
            self._current = None
