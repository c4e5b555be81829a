"""Decoding of PBM, PGM, PPM and PFM files, of any depth."""

from io import BytesIO

import netpbmfile
import numpy as np

from colorizers.fileformats.plain_headers import with_plain_header
from colorizers.photo.channels import Samples, split
from colorizers.photo.levels import from_fractions, from_range

_TITLE = "PBM/PGM/PPM"


def netpbm_samples(data: bytes) -> Samples:
    """Return the samples of the first picture of the file `data`; raises what netpbmfile does where it is broken."""
    with netpbmfile.NetpbmFile(BytesIO(with_plain_header(data))) as file:
        samples = file.asarray()
        if samples.dtype == bool:
            return split(from_range(~samples, 1))  # 1 is black.
        if samples.dtype.kind == "f":
            return split(from_fractions(np.flipud(samples), _TITLE))  # Rows go from the bottom up.
        if samples.max(initial=0) > file.maxval:
            raise ValueError("a sample is larger than the file's largest")
        return split(from_range(samples, file.maxval))
