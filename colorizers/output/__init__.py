"""From rendered pixels to a file: the encoders, and the metadata that go into their files.

`encode.write` is the way in; one module for each format that needs more than Pillow gives. `metadata` decides what of
the photo's metadata the result carries. This room imports `photo`, `metadata` and `colorspace`, and never a network.
"""
