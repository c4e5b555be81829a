"""`python -m colorizers`: see `colorizers.cli.main`."""

import sys

from colorizers.cli.main import main

sys.exit(main(sys.argv[1:]))
