"""Data, losses, recipes and evaluation: photographs in, trained and measured networks out."""
