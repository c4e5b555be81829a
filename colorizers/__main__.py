"""`python -m colorizers`: see `colorizers.cli`."""

import sys

from colorizers.cli import main

sys.exit(main(sys.argv[1:]))
