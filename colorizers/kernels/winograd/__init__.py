"""Fast 3 x 3 convolution by Winograd's minimal filtering, for networks on the CPU.

`convert` replaces the layers of a loaded network; the other modules hold the layers, the tile transforms and the matrix
products. `networks.load` imports `convert`. This room imports `kernels.jit` and torch, and nothing else of the package.
"""
