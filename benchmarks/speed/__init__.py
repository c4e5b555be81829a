"""Commands that measure time and memory: the pipeline, its steps, start, load and the page.

Each module is one command of `python -m benchmarks`, or one side of a comparison. They import `support`, the library
and the service, and no command of another room.
"""
