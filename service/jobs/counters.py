"""Persistent counters by name and labels, heartbeats of processes, and turns at periodic chores.

Web processes and workers add to the same totals, so that each of them can report for all.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from service.jobs.schema import chores, processes, totals, upsert

# A process without a heartbeat for so long is considered dead.
_SILENT_S = 20.0

WorkerState = Literal["starting", "ready", "unable"]
"""State of a worker: loading, ready for the next photo, or failed at its warm-up."""

Labels = tuple[tuple[str, str], ...]
Amounts = Mapping[tuple[str, Labels], float]


@dataclass(frozen=True)
class Process:
    """A live process of the application, its resident memory, and the state of a worker."""

    name: str
    role: str
    resident_bytes: int
    state: WorkerState | None = None


def labels(**values: str) -> Labels:
    """Return labels in sorted order, so that equal ones compare equal."""
    return tuple(sorted(values.items()))


def add_to_totals(connection: sa.Connection, amounts: Amounts) -> None:
    """Add each amount to the total of its name and labels, in the transaction of `connection`."""
    # In sorted order, so that transactions lock rows in the same order and cannot deadlock.
    for (name, of), amount in sorted(amounts.items()):
        row = upsert(connection, totals).values(name=name, labels=json.dumps(of), value=amount)
        grown = {"value": totals.c.value + row.excluded.value}
        connection.execute(row.on_conflict_do_update(index_elements=["name", "labels"], set_=grown))


def read_totals(database: sa.Engine) -> dict[str, dict[Labels, float]]:
    """Return every total by name, then by labels."""
    found: dict[str, dict[Labels, float]] = {}
    with database.connect() as connection:
        for name, of, value in connection.execute(sa.select(totals)):
            found.setdefault(name, {})[tuple((key, text) for key, text in json.loads(of))] = value
    return found


def heartbeat(connection: sa.Connection, name: str, role: str, state: WorkerState | None = None) -> None:
    """Record that this process lives and how much memory it uses; delete the rows of dead ones."""
    _record(connection, name, role, state, _resident_bytes())
    silent = sa.select(processes.c.name).where(processes.c.seen_at < time.time() - _SILENT_S)
    connection.execute(processes.delete().where(processes.c.name.in_(silent.with_for_update(skip_locked=True))))


def announce_worker(database: sa.Engine, name: str) -> None:
    """Record that a worker of that name is about to be started."""
    with database.begin() as connection:
        _record(connection, name, "worker", "starting", 0)


def _record(connection: sa.Connection, name: str, role: str, state: WorkerState | None, resident_bytes: int) -> None:
    values = {"role": role, "state": state, "seen_at": time.time(), "resident_bytes": resident_bytes}
    row = upsert(connection, processes).values(name=name, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))


def remove_heartbeat(database: sa.Engine, name: str) -> None:
    """Record that a process has ended."""
    with database.begin() as connection:
        connection.execute(processes.delete().where(processes.c.name == name))


def forget_workers(database: sa.Engine) -> None:
    """Remove the heartbeats of all workers: for a supervisor that knows that they were killed."""
    with database.begin() as connection:
        connection.execute(processes.delete().where(processes.c.role == "worker"))


def take_turn(database: sa.Engine, chore: str, every_s: float) -> bool:
    """Return whether the caller is to do `chore` now: of all processes, one is told so every `every_s` seconds."""
    now = time.time()
    with database.begin() as connection:
        row = upsert(connection, chores).values(name=chore, done_at=now)
        due = chores.c.done_at <= now - every_s
        taken = row.on_conflict_do_update(index_elements=["name"], set_={"done_at": now}, where=due)
        return connection.execute(taken.returning(chores.c.name)).first() is not None


def live_processes(database: sa.Engine, role: str | None = None) -> list[Process]:
    """Return the processes with a recent heartbeat, of one role or of all."""
    lately = processes.c.seen_at >= time.time() - _SILENT_S
    with database.connect() as connection:
        rows = connection.execute(processes.select().where(lately).order_by(processes.c.name)).mappings()
        found = [Process(row["name"], row["role"], row["resident_bytes"], row["state"]) for row in rows]
    return [process for process in found if role in (None, process.role)]


def _resident_bytes() -> int:
    """Return this process's resident memory, 0 on systems without `/proc`."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
