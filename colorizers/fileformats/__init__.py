"""The table of supported file formats, and what file headers say before anything is decoded.

`formats` names the formats, `limits` refuses files that would take too much memory or time, and the other modules read
the structures of TIFF and JPEG 2000 files. The web process may import it. It imports `errors` alone and decodes no
pixels.
"""
