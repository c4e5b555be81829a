"""Route of server-sent events about a photo: its place in the queue, the steps of the work, and its end."""

import time
from collections.abc import Iterator

from flask import Response, current_app, stream_with_context
from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.colorizations import find_photo
from service.api.schema.openapi import Answer, describe
from service.api.schema.serializers import document_of
from service.context.app_context import parts
from service.domain.problems import JobNotFoundError
from service.web.sse_slots import StreamSlots

_FIRST_POLL_S, _LONGEST_POLL_S = 0.2, 1.0
# A server notices only when it writes that the connection is closed.
_HEARTBEAT_S = 5.0
# After that the client has to reconnect, so that a server can be replaced.
_LONGEST_S = 600.0
_RECONNECT_MS = 2000


@blueprint.get("/v1/colorizations/<job_id>/events")
@describe(
    Answer(200, "Events; the data of each is the photo as it is then.", media=("text/event-stream",)),
    tag="Photographs",
    problems=(503,),
)
def events(job_id: str) -> ResponseReturnValue:
    """Follow a photo by server-sent events, until it has ended.

    An event is called `queued`, `running`, `done` or `failed`, as the status of the photo, and comes with every change;
    `gone` says that the photo was deleted. Its data is the object of the photo. Streams are few: where all are taken,
    the answer is 503, and the photo itself can be asked for now and then.
    """
    photo = find_photo(job_id)
    slot = StreamSlots(parts().settings.data_dir).take()
    response = Response(stream_with_context(_events(photo.id)), mimetype="text/event-stream")
    response.call_on_close(slot.give_back)
    response.cache_control.private = True
    response.cache_control.no_store = True
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back.
    return response


def _events(job_id: str) -> Iterator[str]:
    yield f"retry: {_RECONNECT_MS}\n\n"
    end = time.monotonic() + _LONGEST_S
    told, told_at, pause_s = "", time.monotonic(), _FIRST_POLL_S
    while time.monotonic() < end:
        parts().supervisor.ensure()
        try:
            photo = find_photo(job_id)
        except JobNotFoundError:
            yield "event: gone\ndata: {}\n\n"
            return
        news = f"event: {photo.status}\ndata: {current_app.json.dumps(document_of(photo).as_json())}\n\n"
        if news != told:
            told, told_at, pause_s = news, time.monotonic(), _FIRST_POLL_S
            yield news
        if photo.is_final:
            return
        if time.monotonic() - told_at > _HEARTBEAT_S:
            told_at = time.monotonic()
            yield ":\n\n"
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.2, _LONGEST_POLL_S)
