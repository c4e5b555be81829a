"""How every process of the application logs: lines with time, level and module, to standard error."""

import logging


def configure_logging() -> None:
    """Set up logging, unless whoever embeds the application has done so already."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
