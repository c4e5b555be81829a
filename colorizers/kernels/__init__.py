"""Pixel loops compiled by numba, and what compiles and caches them.

Each module holds the kernels of one step and compiles them when it is imported, or loads them from the disk cache.
`jit` lists the sources by which the cache is named. Only `rendering`, `networks`, the command line and the painter of
the service import from here, never the web process. It imports `colorspace` alone.
"""
