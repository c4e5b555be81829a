"""How a process of ours ends when it is told to: once, in order, whatever else arrives meanwhile."""

import signal
import sys
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGINT)


def exit_on(*numbers: signal.Signals) -> None:
    """Raise `SystemExit` in the main thread at the first of these signals; later ones must not cut the ending short.

    A signal that whoever started this process had it ignore stays ignored: a shell does so with Ctrl-C for what it
    runs in the background, and ends that itself.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        for ending in _ENDING:
            signal.signal(ending, signal.SIG_IGN)
        sys.exit(0)

    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)
