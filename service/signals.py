"""How a process of ours ends when it is told to: once, in order, whatever else arrives meanwhile."""

import signal
import sys
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGINT)


def exit_on(*numbers: signal.Signals) -> None:
    """Raise `SystemExit` in the main thread at the first of these signals; later ones must not cut the ending short."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for ending in _ENDING:
            signal.signal(ending, signal.SIG_IGN)
        sys.exit(0)

    for number in numbers:
        signal.signal(number, end)
