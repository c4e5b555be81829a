"""Photographs with all their versions, and a search for whatever is stored of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import fsspec
import sqlalchemy as sa
from flask.testing import FlaskClient

from service.context.app_context import AppContext
from service.jobs.schema import leaving, metadata
from tests.support.uploads import as_file, scene

PHOTO = as_file(scene(300, 200), quality=90)
PHOTOS = "/v1/colorizations"
HINT = {"x": 0.5, "y": 0.5, "radius": 0.2, "a": 60.0, "b": 20.0}
SHARED = ("", "/original", "/result", "/original-view", "/result-view", "/ab")
_WAIT = {"Prefer": "wait=90"}

Document = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """A photo or a version, its renders and previews, the token of its link to share, and a batch of it alone."""

    id: str
    children: tuple[str, ...]
    token: str
    batch: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Return all that must not be found anywhere after its deletion."""
        return self.id, *self.children, self.token, self.batch


def send(client: FlaskClient, name: str = "grandmother.jpg", **headers: str) -> Document:
    """Send a photo as it is; return what is said of it when it is done."""
    sent = {"data": PHOTO, "content_type": "image/jpeg", "headers": {**_WAIT, **headers}}
    answer = client.post(f"{PHOTOS}?name={name}", **sent)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def make(client: FlaskClient, address: str, **body: object) -> Document:
    """Ask for something that is made of a photo; return what is said of it when it is done."""
    answer = client.post(address, json=body, headers=_WAIT)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def make_family(client: FlaskClient, **headers: str) -> tuple[Member, Member, Member]:
    """Return a photo that was sent with those headers, a version of it, and a version of the version."""
    photo = send(client, **headers)
    version = make(client, PHOTOS, source=photo["id"], hints=[HINT])
    second = make(client, PHOTOS, source=version["id"], warmth=0.5)
    return _member(client, photo), _member(client, version), _member(client, second)


def _member(client: FlaskClient, document: Document) -> Member:
    urls = document["urls"]
    children = make(client, urls["renders"], saturation=0.5)["id"], make(client, urls["previews"], hints=[HINT])["id"]
    batch = make(client, "/v1/batches", colorizations=[document["id"]])["id"]
    return Member(document["id"], children, share_link(client.get(urls["page"]).text).rsplit("/", 1)[-1], batch)


def share_link(page: str) -> str:
    """Return the path of the link that a photo's page offers to share."""
    (link,) = re.findall(r'id="share-link" readonly value="https?://[^/]+([^"]+)"', page)
    return str(link)


def addresses(client: FlaskClient, member: Member) -> list[str]:
    """Return every address of the application, below any of its routes, at which something of `member` may be."""
    found = []
    for rule in client.application.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.arguments and rule.endpoint != "static":
            for values in _values(rule.arguments, member):
                built = rule.build(values)
                assert built is not None
                found.append(built[1])
    return found


def _values(names: set[str], member: Member) -> Iterator[dict[str, str]]:
    possible = {
        "job_id": [member.id],
        "ids": [member.id],
        "child_id": list(member.children),
        "render_id": list(member.children),
        "batch_id": [member.batch],
        "token": [member.token],
        "kind": [name.removeprefix("/") for name in SHARED if name],
    }
    for values in product(*(possible[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def reached(client: FlaskClient, member: Member) -> set[str]:
    """Return those addresses of `member` that give something; the others answer 404, or that a query is missing."""
    answers = {address: client.get(address).status_code for address in addresses(client, member)}
    assert set(answers.values()) <= {200, 404, 422}, answers
    return {address for address, status in answers.items() if status != 404}


def tries_to_change(client: FlaskClient, member: Member) -> set[int]:
    """Return the statuses with which the application answers everything that would change `member`."""
    statuses = set()
    for rule in client.application.url_map.iter_rules():
        for method in (rule.methods or set()) & {"POST", "DELETE"}:
            if rule.arguments and rule.arguments <= {"job_id", "ids"}:
                built = rule.build(dict.fromkeys(rule.arguments, member.id))
                assert built is not None
                statuses.add(client.open(built[1], method=method).status_code)
    return statuses


def stored(parts: AppContext) -> set[str]:
    """Return the names of all files of photos, on this machine and, where photos lie elsewhere, there."""
    folder = parts.settings.data_dir
    own = {
        str(path.relative_to(folder))
        for area in ("photos", "incoming", "leaving")
        for path in (folder / area).rglob("*")
        if not (area == "photos" and path.parent == folder / area)  # Folders that many photos share.
    }
    if not parts.settings.storage_url:
        return own
    system, root = fsspec.core.url_to_fs(parts.settings.storage_url, use_listings_cache=False, skip_instance_cache=True)
    return own | {path.removeprefix(root) for path in system.find(root)}


def mentions(parts: AppContext, texts: tuple[str, ...]) -> set[str]:
    """Return the names of the tables in which any of `texts` stands, but for that of ids whose files are to go."""
    found = set()
    with parts.jobs.database.connect() as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(sa.select(table)).all()
            if table is not leaving and any(text in repr(row) for row in rows for text in texts):
                found.add(table.name)
    return found


def remembered(parts: AppContext) -> dict[str, float]:
    """Return the ids whose files may still have to be removed, and until when."""
    with parts.jobs.database.connect() as connection:
        return {row.id: row.until for row in connection.execute(sa.select(leaving))}
