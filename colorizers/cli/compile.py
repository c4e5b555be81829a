"""Subcommand `compile`: compiles the kernels ahead of their use."""

import argparse
import sys
from collections.abc import Sequence

DESCRIPTION = """\
Compile the kernels for this processor, once, and keep them on disk: beside the program, or in NUMBA_CACHE_DIR. Without
this the first photo waits for it. Where everything is compiled already, nothing is done and nothing is printed.
"""


def main(argv: Sequence[str]) -> int:
    """Run `compile` with the arguments `argv`; return the exit status."""
    argparse.ArgumentParser(prog="python -m colorizers compile", description=DESCRIPTION).parse_args(argv)
    try:
        compile_missing()
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one was.", file=sys.stderr)
        return 130
    return 0


def compile_missing() -> None:
    """Compile what is not compiled yet, with a line to standard error for each step."""
    # Only now, because loading numba takes a moment.
    from colorizers.kernels.compile_all import compile_kernels

    compile_kernels(lambda line: print(line, file=sys.stderr, flush=True))
