"""Entry point of `python -m training`."""

import sys

from training.cli.main import main

sys.exit(main(sys.argv[1:]))
