"""Timing of a job's steps, and reports of its progress."""

import time
from collections.abc import Callable

# Values of the column `progress` by step; other steps are too short to be reported.
PROGRESS = {"open": "opening", "predict": "predicting", "render": "rendering", "encode": "encoding"}


class Stages:
    """Stopwatch of one job: a step ends when the next one begins."""

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
        """End the last step, and return the seconds of each by its name with the suffix `_s`."""
        self._end()
        return self._seconds

    def _end(self) -> None:
        if self._current is not None:
            name, began = self._current
            key = f"{name}_s"
            self._seconds[key] = self._seconds.get(key, 0.0) + time.perf_counter() - began
            self._current = None
