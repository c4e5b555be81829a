"""The work on one photo inside a worker: decode, predict, render, write the files of a job.

`painter` is the entry point; the caches keep networks and decoded originals between jobs. Only `workers` imports this
room, since it loads torch and numba. It imports the library, `jobs`, `storage` and `domain`.
"""
