"""Attacks by one client that keep a server busy or wear it out; the parts of `python -m benchmarks hostile`.

`python -m benchmarks.stress.attacks NAME PORT FOLDER` attacks once, with its files in FOLDER, and prints as JSON the
number of answers by status. It is a process of its own, so that it takes no time from the client measured meanwhile.
"""

import http.client
import json
import re
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.stress.hostile_files import HOSTILE_FILES
from benchmarks.support.photos import toned_print

FILE_BYTES = 63_000_000
_PATIENCE_S = 300.0
_CHUNK_BYTES = 1 << 18
_BOUNDARY = "hostile"
_FORMS, _PARTS = 30, 2000
_LISTS, _COMMAS = 16, 8000
_BREAKS = (0.1, 0.6, 0.95)
_BROKEN_UPLOADS = 30

Answers = Counter[str]


def write_files(folder: Path, size: int = FILE_BYTES) -> None:
    """Write the hostile files, of about that many bytes each, to `folder`."""
    for name, make in HOSTILE_FILES.items():
        (folder / name).write_bytes(make(size))


def files(port: int, folder: Path) -> Answers:
    """Send all hostile files, which `folder` has, at once, each in a form of its own."""
    return _at_once([partial(_send_file, port, path) for path in folder.iterdir()])


def parts(port: int, _folder: Path) -> Answers:
    """Send forms of two thousand files of one byte at once."""
    one = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\na\r\n'.encode()
    body = one * _PARTS + f"--{_BOUNDARY}--\r\n".encode()
    return _at_once([partial(_send, port, "POST", "/v1/index", body, _form_type())] * _FORMS)


def lists(port: int, _folder: Path) -> Answers:
    """Ask at once, without cookie or token, for things to be done to eight thousand photos without an id."""
    commas = "," * _COMMAS
    wanted = [
        ("POST", f"/colorization/{commas}/delete"),
        ("GET", f"/colorization/{commas}/archive"),
        ("GET", f"/colorization/{commas}"),
    ]
    batch = json.dumps({"colorizations": [f"{number:032x}" for number in range(_COMMAS)]}).encode()
    requests = [partial(_send, port, method, path) for method, path in wanted]
    requests.append(partial(_send, port, "POST", "/v1/batches", batch, {"Content-Type": "application/json"}))
    return _at_once(requests * _LISTS)


def breaks(port: int, _folder: Path) -> Answers:
    """Send raw uploads that end before they have as many bytes as they said."""
    photo = toned_print(2.0)
    shares = (_BREAKS * _BROKEN_UPLOADS)[:_BROKEN_UPLOADS]
    return _at_once([partial(_break_off, port, photo, share) for share in shares])


ATTACKS: dict[str, Callable[[int, Path], Answers]] = {
    "files": files,
    "parts": parts,
    "lists": lists,
    "breaks": breaks,
}


def _at_once(requests: Sequence[Callable[[], str]]) -> Answers:
    with ThreadPoolExecutor(len(requests)) as pool:
        return Counter(answer.result() for answer in [pool.submit(request) for request in requests])


def _send_file(port: int, path: Path) -> str:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="{path.name}"\r\n\r\n'.encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()

    def body() -> Iterator[bytes]:
        yield head
        with path.open("rb") as file:
            while data := file.read(_CHUNK_BYTES):
                yield data
        yield tail

    length = len(head) + path.stat().st_size + len(tail)
    return _send(port, "POST", "/v1/index", body(), {**_form_type(), "Content-Length": str(length)})


def _form_type() -> dict[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def _send(
    port: int, method: str, path: str, body: bytes | Iterator[bytes] = b"", headers: dict[str, str] | None = None
) -> str:
    """Return the status of the answer, with the code of a problem, or the error where there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return _status(answer.status, answer.read())
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _break_off(port: int, photo: bytes, share: float) -> str:
    """Send that share of an upload, and no more; the connection stays open for an answer."""
    head = f"POST /v1/colorizations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: image/jpeg\r\n"
    head += f"Content-Length: {len(photo)}\r\nPrefer: respond-async\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
        try:
            connection.sendall(head.encode() + photo[: int(share * len(photo))])
            connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return _status(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__


def _status(status: int, body: bytes) -> str:
    code = re.search(rb'"code": ?"(\w+)"', body)
    return f"{status} {code[1].decode()}" if code else str(status)


if __name__ == "__main__":
    print(json.dumps(ATTACKS[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))))
