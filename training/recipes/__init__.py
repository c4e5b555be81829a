"""The recipes, one network family a file: settings, network, data and losses of a training run.

`base` defines what a recipe is, and `registry` lists those that exist. The loop and the commands import them. This room
imports `data` and `distributed`, and never the training loop.
"""
