"""Arguments that several subcommands share."""

import argparse
from pathlib import Path

from colorizers.photo.photo_data import MAX_MEGAPIXELS
from colorizers.weights.registry import MODEL_DIR


def add_model_dir(parser: argparse.ArgumentParser) -> None:
    """Add `--model-dir`."""
    words = "the folder that holds the weights (default: %(default)s)"
    parser.add_argument("--model-dir", type=Path, default=MODEL_DIR, metavar="FOLDER", help=words)


def add_gpu(parser: argparse.ArgumentParser, *also: str) -> None:
    """Add `--gpu`, which is also called `also`."""
    parser.add_argument("--gpu", *also, action="store_true", help="let a GPU run the network, if there is one")


def add_max_megapixels(parser: argparse.ArgumentParser) -> None:
    """Add `--max-megapixels`."""
    words = "refuse larger pictures (default: %(default)g)"
    parser.add_argument("--max-megapixels", type=float, default=MAX_MEGAPIXELS, metavar="N", help=words)
