"""Following a photo by server-sent events, on a real server: every change, the end, and no more streams than may be."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.domain.problems import TooManyStreamsError
from service.web.sse_slots import MOST_STREAMS, StreamSlots
from tests.service.conftest import MakeSettings
from tests.service.test_gunicorn import serving
from tests.support.processes import free_port, until
from tests.support.uploads import as_file, scene

Event = tuple[str, dict[str, Any]]


def events_of(response: httpx.Response) -> Iterator[Event]:
    """Yield name and data of every event."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def send(client: httpx.Client) -> dict[str, Any]:
    return client.post("/v1/colorizations", files={"photo": ("a.png", as_file(scene(), "PNG"))}).json()


def test_photo_is_followed_to_its_end(make_settings: MakeSettings) -> None:
    with serving("gunicorn", make_settings(port=free_port())) as (client, _):
        photo = send(client)
        with client.stream("GET", photo["urls"]["events"]) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            assert response.headers["Cache-Control"] == "private, no-store"
            told = list(events_of(response))
        names = [name for name, _ in told]
        assert names[0] == "queued"
        assert told[0][1]["queue_position"] == 1
        assert names[-1] == "done"
        assert told[-1][1]["urls"]["result"] == f"{photo['urls']['self']}/result"
        assert set(names) <= {"queued", "running", "done"}
        with client.stream("GET", photo["urls"]["events"]) as response:
            assert [name for name, _ in events_of(response)] == ["done"]


def test_streams_are_bounded_over_all_processes_and_block_nobody(make_settings: MakeSettings) -> None:
    settings = make_settings(port=free_port())
    with (
        (settings.data_dir / "worker.lock").open("w") as lock,
        serving("gunicorn", settings) as (client, _),
        ExitStack() as open_streams,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # No worker starts, so the photo waits.
        photo = send(client)["urls"]["self"]
        streams = [open_streams.enter_context(client.stream("GET", f"{photo}/events")) for _ in range(MOST_STREAMS)]
        assert {stream.status_code for stream in streams} == {200}
        refused = client.get(f"{photo}/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
        assert int(refused.headers["Retry-After"]) >= 1
        assert client.get("/healthz", timeout=2).is_success
        assert client.get(photo, timeout=2).json()["status"] == "queued"
        streams[0].close()
        until(lambda: _opens(client, f"{photo}/events"), within_s=15)
        client.delete(photo)
        assert [name for name, _ in events_of(streams[1])] == ["queued", "gone"]


def _opens(client: httpx.Client, address: str) -> bool:
    with client.stream("GET", address) as response:
        return response.status_code == 200


def test_slot_is_free_again_when_given_back_or_its_process_is_gone(tmp_path: Path) -> None:
    first, second = StreamSlots(tmp_path, most=1), StreamSlots(tmp_path, most=1)
    slot = first.take()
    with pytest.raises(TooManyStreamsError) as error:
        second.take()
    assert error.value.data["retry_after_s"] > 0
    slot.give_back()
    slot.give_back()
    second.take().give_back()
