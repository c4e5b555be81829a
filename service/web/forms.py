"""Forms parsed under limits: parts are counted before a file is opened for them, and one file is open at a time."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, cast

from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from colorizers.errors import ColorizerError
from service.domain.problems import IncompleteRequestError, TooManyFilesError

MOST_FIELDS = 100
MOST_KB = 1000
_MOST_BYTES = MOST_KB * 1000
_CHUNK_BYTES = 1 << 16
# The head of a part, its name included, has to fit beside a chunk.
_MOST_BUFFER_BYTES = 3 * _CHUNK_BYTES

FORM, SHORT_FORM = "multipart/form-data", "application/x-www-form-urlencoded"
Parsed = tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]


class FormTooLargeError(ColorizerError):
    """A form has too many fields, or too much text in them. Data: `most_fields`, `most_kb`."""

    code = "form_too_large"

    def __init__(self) -> None:
        message = f"Beside its photos, a form may have at most {MOST_FIELDS} fields, with {MOST_KB} kB of text in all."
        super().__init__(message, most_fields=MOST_FIELDS, most_kb=MOST_KB)


class LimitedFormParser(FormDataParser):
    """Parses forms of at most `most_files` files, each written to what `receive` returns, and `MOST_FIELDS` fields."""

    def __init__(self, receive: Callable[[], IO[bytes]], most_files: int) -> None:
        super().__init__(silent=False, cls=ImmutableMultiDict)
        self._receive = receive
        self._most_files = most_files

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Parsed:
        """Return `stream`, and the fields and the files of the form in it, if it is one.

        Raises `TooManyFilesError` at the first file too many, `FormTooLargeError`, and `IncompleteRequestError` where
        the form ends too early or is damaged.
        """
        try:
            if mimetype == FORM:
                parts = _Parts(self._receive, self._most_files)
                parts.take(_events(stream, (options or {}).get("boundary", "")))
                return stream, ImmutableMultiDict(parts.fields), ImmutableMultiDict(parts.files)
            if mimetype == SHORT_FORM:
                return super().parse(_read_short(stream, content_length), mimetype, content_length, options)
        except ValueError as error:
            raise IncompleteRequestError("The form ends too early, or it is damaged.") from error
        return stream, ImmutableMultiDict(), ImmutableMultiDict()


class _Parts:
    """The parts of one form, as they come."""

    def __init__(self, receive: Callable[[], IO[bytes]], most_files: int) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[str, FileStorage]] = []
        self._receive = receive
        self._most_files = most_files
        self._other_parts = 0
        self._bytes = 0

    def take(self, events: Iterator[Event]) -> None:
        """Read all parts."""
        for event in events:
            if isinstance(event, File):
                self._take_file(event, _data(events))
            elif isinstance(event, Field):
                self._take_field(event, _data(events))

    def _take_file(self, part: File, data: Iterator[bytes]) -> None:
        file = self._open() if part.filename else None
        for piece in data:
            file = file or self._open()
            file.write(piece)
        if file is None:
            self._count(part)  # What browsers send for a field without a file.
            return
        file.seek(0)
        self.files.append((part.name, FileStorage(file, part.filename, part.name)))

    def _open(self) -> IO[bytes]:
        if len(self.files) == self._most_files:
            most = self._most_files
            raise TooManyFilesError(f"There are too many photos; send at most {most} at a time.", limit=most)
        return self._receive()

    def _take_field(self, part: Field, data: Iterator[bytes]) -> None:
        self._count(part)
        text = bytearray()
        for piece in data:
            self._count_bytes(len(piece))
            text += piece
        charset = MultiPartParser().get_part_charset(part.headers)
        self.fields.append((part.name, text.decode(charset, "replace")))

    def _count(self, part: Field | File) -> None:
        self._other_parts += 1
        if self._other_parts > MOST_FIELDS:
            raise FormTooLargeError()
        self._count_bytes(len(part.name))

    def _count_bytes(self, count: int) -> None:
        self._bytes += count
        if self._bytes > _MOST_BYTES:
            raise FormTooLargeError()


def _events(stream: IO[bytes], boundary: str) -> Iterator[Event]:
    """Yield what the form in `stream` consists of. Raises `ValueError` where it breaks off or is damaged."""
    if not boundary:
        raise ValueError("The form has no boundary.")
    decoder = MultipartDecoder(boundary.encode("ascii"), _MOST_BUFFER_BYTES)
    data: bytes | None = b""
    while data is not None:
        data = stream.read(_CHUNK_BYTES) or None
        try:
            decoder.receive_data(data)
        except RequestEntityTooLarge as error:
            raise FormTooLargeError() from error
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            if isinstance(event, Field | File) and cast(str | None, event.name) is None:
                raise ValueError("A part of the form has no name.")
            yield event


def _data(events: Iterator[Event]) -> Iterator[bytes]:
    """Yield the data of the part that has just begun, none of it empty."""
    for event in events:
        assert isinstance(event, Data)
        if event.data:
            yield event.data
        if not event.more_data:
            return


def _read_short(stream: IO[bytes], content_length: int | None) -> IO[bytes]:
    """Return the whole of a form that has no files. Raises `FormTooLargeError`."""
    if (content_length or 0) > _MOST_BYTES:
        raise FormTooLargeError()
    text = bytearray()
    while data := stream.read(_CHUNK_BYTES):
        text += data
        if len(text) > _MOST_BYTES or text.count(b"&") >= MOST_FIELDS:
            raise FormTooLargeError()
    return BytesIO(text)
