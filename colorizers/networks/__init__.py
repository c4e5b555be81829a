"""The network architectures, one family a file, and what loading and running them shares.

`load` turns a registered or given weights file into a module that is ready to run. It is what `colorizers.colorizer`
imports; training imports the architectures. This room may import `weights`, `kernels` and `colorspace`, and never a
photo or an output.
"""
