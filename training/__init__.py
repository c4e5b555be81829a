"""Training and evaluation of colorization networks: data preparation, recipes, the training loop, metrics."""
