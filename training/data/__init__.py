"""Training data: folders to tar shards, shards to batches, and the augmentation of pictures.

`prepare` and `filters` make shards of photographs, `samples`, `stream` and `memory_data` read them, and the other
modules change or encode what was read. It imports the library alone, and never a recipe or the training loop.
"""
