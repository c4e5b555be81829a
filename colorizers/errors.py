"""Errors of the library, each with a code for programs and data for translated messages.

`code` is stable and documented; `data` holds what a translated message needs (limits, names, paths). The English
message is complete by itself: it says what is wrong and what to do next.
"""

from typing import Any, ClassVar


class ColorizerError(Exception):
    """Base of everything the library raises on purpose."""

    code: ClassVar[str] = "colorizer_error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class PhotoError(ColorizerError):
    """The file that was given cannot be coloured."""


class NotAPictureError(PhotoError):
    """The bytes are of no picture format that is supported."""

    code = "not_a_picture"


class UndecodableError(PhotoError):
    """The bytes begin like a picture, but it cannot be decoded (truncated, broken or of an unsupported kind)."""

    code = "undecodable"


class UnsupportedSamplesError(PhotoError):
    """The picture's samples have a meaning that is not known or not agreed on. Data: `kind`."""

    code = "unsupported_samples"


class CameraRawError(PhotoError):
    """The file holds what a camera's sensor recorded, which has to be developed first."""

    code = "camera_raw"


class TooManyPixelsError(PhotoError):
    """The header declares more pixels than the limit; nothing was decoded. Data: `megapixels`, `limit`."""

    code = "too_many_pixels"


class NoSuchPageError(PhotoError):
    """The file has fewer pages than that. Data: `pages`."""

    code = "no_such_page"


class TooManyFramesError(PhotoError):
    """The header declares more pages or frames than the limit; nothing was decoded. Data: `limit`."""

    code = "too_many_frames"


class TooMuchMetadataError(PhotoError):
    """The file declares more metadata than the limit; nothing was decoded. Data: `limit_mb`."""

    code = "too_much_metadata"


class TooSlowError(PhotoError):
    """The file takes more time to read than a photograph of its size may."""

    code = "too_slow"


class OutOfMemoryError(PhotoError, MemoryError):
    """The file takes more memory to read than a photograph may."""

    code = "out_of_memory"


class DecodersBusyError(ColorizerError):
    """All decoding processes are busy with other files; later they may not be. Data: `retry_after_s`."""

    code = "decoders_busy"


class RequestError(ColorizerError):
    """What was asked of a network or a recipe cannot be done."""


class InvalidHintError(RequestError):
    """A colour hint is not one. Data: `field`, and `least` and `most` where a number is beyond them."""

    code = "invalid_hint"


class TooLargeForFormatError(RequestError):
    """The format cannot hold a picture of that size. Data: `format`, its name; `limit_px` a side; `width`, `height`."""

    code = "too_large_for_format"


class HintsNotAcceptedError(RequestError):
    """The network takes no colour hints. Data: `name`."""

    code = "hints_not_accepted"


class InvalidTemperatureError(RequestError):
    """The temperature is not a number within its bounds. Data: `least`, `most`."""

    code = "invalid_temperature"


class TemperatureNotSupportedError(RequestError):
    """The network has no distribution that a temperature could anneal. Data: `name`."""

    code = "temperature_not_supported"


class InvalidRecipeError(RequestError):
    """A recipe says something that means nothing. Data: `field`, or None where it is no recipe at all."""

    code = "invalid_recipe"


class OtherWeightsError(RequestError):
    """A recipe was made with other weights than those that are installed. Data: `name`, `wanted`, `installed`."""

    code = "other_weights"


class WeightsError(ColorizerError):
    """A network's weights cannot be used."""


class UnknownModelError(WeightsError):
    """No network of that name is registered. Data: `name`, `known`."""

    code = "unknown_model"


class WeightsMissingError(WeightsError):
    """The weights file is not there. Data: `name`, `path`."""

    code = "weights_missing"


class WeightsCorruptError(WeightsError):
    """The weights file is there, but its size, hash or contents are wrong. Data: `name`, `path`."""

    code = "weights_corrupt"


class DownloadError(WeightsError):
    """No URL of the network delivered its weights. Data: `name`, `path`, `attempts`, `reason` (one line)."""

    code = "download_failed"
