"""What is known about a job, as values: how it was sent, what became of it, and a row of the table in, a `Job` out."""

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from colorizers.recipe import Options
from service.domain.options import DEFAULT, stored_options

_ID = re.compile(r"[0-9a-f]{32}")

Status = Literal["queued", "running", "done", "failed"]
Kind = Literal["colorization", "preview", "render"]
"""A photo that is coloured; the network's answer for its small version under other hints; its colours as another file.

The last two have a parent, whose photo and prediction they use, and leave with it.
"""

_SHARE_TOKEN = re.compile(r"[\w-]{22}", re.ASCII)


def new_share_token() -> str:
    """Return 128 random bits as 22 characters, which say nothing about the id of the photo that they show."""
    return secrets.token_urlsafe(16)


# Who waits with a finger on the mouse goes first, who sent a box of photographs goes last.
AT_ONCE, SINGLE, MANY = 0, 1, 2


@dataclass(frozen=True)
class NewJob:
    """An accepted upload: the name its user gave the file, its type, and its size in pixels as the header says.

    `owner` is the browser that sent it; without one, whoever knows the id may see the photo. `request_id` names the
    request in the logs. `parent` is the job that a preview or a render belongs to, `source` the photo that was sent, of
    which a colorization is another version, `batch` what the photos of one request have in common. `kept_since` is when
    the photo that was sent came in, by which everything made of it expires; None for that photo itself. Whoever has
    `share_token` may see the result, and do nothing else.
    """

    id: str
    name: str
    mimetype: str
    width: int
    height: int
    owner: str | None = None
    request_id: str | None = None
    kind: Kind = "colorization"
    options: Options = DEFAULT
    priority: int = SINGLE
    parent: str | None = None
    source: str | None = None
    batch: str | None = None
    kept_since: float | None = None
    share_token: str = field(default_factory=new_share_token)

    def as_row(self, now: float) -> dict[str, Any]:
        """Return the values of the columns for a job that is queued `now` (seconds since the epoch)."""
        times = {"created_at": now, "queued_at": now, "sent_at": now, "kept_since": self.kept_since or now}
        return {**vars(self), **times, "options": json.dumps(self.options.changes())}


@dataclass(frozen=True)
class Outcome:
    """What a finished job gave: upright size in pixels, result file type, the network that did it, stage times.

    `uncoloured` says that the network found no colour for any part of the photo, `was_colour` that the photo had
    colours of its own. `changed_grays_exact` and `changed_grays_file` tell in how many of `pixels` pixels the gray
    level of the rendered picture, and of the written file decoded again, is not the photo's; None where that was not
    counted. `frames` is how many pages or frames the photo's file has, `frames_coloured` how many the result has.
    """

    width: int
    height: int
    mimetype: str
    suffix: str
    view_mimetype: str
    model: str
    model_title: str
    weights_sha256: str
    verified: bool
    uncoloured: bool
    timings: dict[str, float] = field(default_factory=dict)
    format: str = ""
    pixels: int | None = None
    changed_grays_exact: int | None = None
    changed_grays_file: int | None = None
    was_colour: bool = False
    frames: int = 1
    frames_coloured: int = 1
    accepts_hints: bool = False
    has_distribution: bool = False
    temperature: float | None = None


@dataclass(frozen=True)
class Failure:
    """Why a job failed: a code for programs, the HTTP status that says it best, English text, data for translation."""

    code: str
    status: int
    message: str
    data: dict[str, Any] = field(default_factory=dict)


WORKER_LOST = Failure("worker_lost", 500, "The photo stopped the program that colours it, several times.")


@dataclass(frozen=True)
class Job:
    """One row. Times are seconds since the epoch; `progress` is the step that a running job is at,
    `postponed` how often it had to be put back because storage was out of order; for the others see `NewJob`.
    """

    id: str
    status: Status
    name: str
    mimetype: str
    width: int
    height: int
    created_at: float
    queued_at: float
    started_at: float | None = None
    finished_at: float | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None
    owner: str | None = None
    request_id: str | None = None
    kind: Kind = "colorization"
    options: Options = DEFAULT
    priority: int = SINGLE
    parent: str | None = None
    source: str | None = None
    batch: str | None = None
    progress: str | None = None
    postponed: int = 0
    kept_since: float = 0.0
    share_token: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self.status in ("done", "failed")


def new_job_id() -> str:
    """Return 128 random bits as 32 hexadecimal digits: ids cannot be guessed."""
    return secrets.token_hex(16)


def is_share_token(text: str) -> bool:
    """Return whether `text` has the form of a share token."""
    return _SHARE_TOKEN.fullmatch(text) is not None


def job_of(row: sa.RowMapping) -> Job:
    """Return the job of a row."""
    plain = {name: row[name] for name in Job.__dataclass_fields__ if name not in ("outcome", "failure", "options")}
    outcome = Outcome(**json.loads(row["outcome"])) if row["outcome"] else None
    failure = Failure(**json.loads(row["failure"])) if row["failure"] else None
    return Job(**plain, outcome=outcome, failure=failure, options=stored_options(row["options"]))


def is_id(text: str) -> bool:
    """Whether `text` has the form of the ids of photos, renders, previews and batches."""
    return _ID.fullmatch(text) is not None
