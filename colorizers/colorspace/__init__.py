"""CIE Lab conversion, sRGB primaries and the curves that other rooms share.

Everything here is arithmetic on arrays, without loops over the pixels of a picture. `lab` defines the array types and
the one formula of a gray level. This room may be imported from everywhere. It imports nothing else of the package.
"""
