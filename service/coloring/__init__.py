"""Execution of jobs inside a worker: decode, predict, render, and write the files of a job.

`painter` is the entry point; the caches keep networks and decoded originals between jobs. Only `workers` imports this
room, since it loads torch and numba. It imports the library, `jobs`, `storage` and `domain`.
"""
