"""From predicted ab planes and the pixels of a photo to a color picture of the same luminance.

`render` is the entry point, `color_pass` runs the compiled kernels band by band, and `guided_upsampling` brings ab to
the size of the photo along its edges. This room imports `kernels`, `prediction` and `colorspace`, and knows nothing of
files.
"""
