"""`python -m training`: prepare photographs, train a network, export it, evaluate networks."""

import sys

from training.cli import main

sys.exit(main(sys.argv[1:]))
