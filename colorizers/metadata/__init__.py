"""Metadata of picture files: EXIF, XMP, IPTC and Photoshop's image resources, read and rewritten.

`read` collects what a file says besides its pixels; the other modules know one kind of metadata each. They work on
bytes and never on pixels. This room imports `fileformats` and `errors`, and never a photo or an output.
"""
