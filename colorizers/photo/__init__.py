"""From a picture file to upright sRGB samples: the type `Photo` and everything that decodes.

`photo.open_photo` is the way in for trusted files, `sandbox` decodes in a limited child process. Everything after this
room is free of formats, modes, profiles and orientation. It imports `fileformats`, `metadata` and `colorspace`, and
never a network or an output.
"""
