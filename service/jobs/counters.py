"""Counts and sums that outlive every process and row: takes amounts by name and labels, keeps them in the database.

Several web processes and workers add to the same totals, so that any one of them can answer for all.
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

# A process that has not said anything for so long is not there any more.
_SILENT_S = 20.0

WorkerState = Literal["starting", "ready", "unable"]
"""How far a worker is: it loads what it needs, would colour the next photo at once, or failed over its first one."""

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
    """Return labels in an order that makes equal ones equal."""
    return tuple(sorted(values.items()))


def add_to_totals(connection: sa.Connection, amounts: Amounts) -> None:
    """Add each amount to the total of its name and labels, in the transaction of `connection`."""
    # In one order everywhere, so that no two transactions wait for each other's rows.
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
    """Record that this process lives and how much memory it has; forget those that have been silent for long."""
    values = {"role": role, "state": state, "seen_at": time.time(), "resident_bytes": _resident_bytes()}
    row = upsert(connection, processes).values(name=name, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
    silent = sa.select(processes.c.name).where(processes.c.seen_at < time.time() - _SILENT_S)
    connection.execute(processes.delete().where(processes.c.name.in_(silent.with_for_update(skip_locked=True))))


def announce_worker(connection: sa.Connection, name: str) -> None:
    """Record that a worker of that name is about to be started."""
    values = {"role": "worker", "state": "starting", "seen_at": time.time(), "resident_bytes": 0}
    row = upsert(connection, processes).values(name=name, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))


def remove_heartbeat(connection: sa.Connection, name: str) -> None:
    """Record that a process has ended."""
    connection.execute(processes.delete().where(processes.c.name == name))


def forget_workers(connection: sa.Connection) -> None:
    """Remove what all workers have recorded: for somebody who knows that they ended without saying so."""
    connection.execute(processes.delete().where(processes.c.role == "worker"))


def take_turn(database: sa.Engine, chore: str, every_s: float) -> bool:
    """Return whether `chore` is due, and the caller's to do: of all processes, one is told so every `every_s`."""
    now = time.time()
    with database.begin() as connection:
        row = upsert(connection, chores).values(name=chore, done_at=now)
        due = chores.c.done_at <= now - every_s
        taken = row.on_conflict_do_update(index_elements=["name"], set_={"done_at": now}, where=due)
        return connection.execute(taken.returning(chores.c.name)).first() is not None


def live_processes(database: sa.Engine, role: str | None = None) -> list[Process]:
    """Return the processes heard of lately, of one role or of all."""
    lately = processes.c.seen_at >= time.time() - _SILENT_S
    with database.connect() as connection:
        rows = connection.execute(processes.select().where(lately).order_by(processes.c.name)).mappings()
        found = [Process(row["name"], row["role"], row["resident_bytes"], row["state"]) for row in rows]
    return [process for process in found if role in (None, process.role)]


def _resident_bytes() -> int:
    """Return this process's resident memory, 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
