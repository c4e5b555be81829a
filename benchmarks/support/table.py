"""Output of measurements as a Markdown table or a JSON document."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.measure import machine

Record = dict[str, Any]


def format_table(records: Sequence[Record]) -> str:
    """Return the records as a Markdown table; its columns are the keys of the first, and what others have besides."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    rows = [[_text(record.get(column)) for column in columns] for record in records]
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def publish(records: Sequence[Record], command: str, path: Path | None) -> None:
    """Print the table of what a command measured; write it to `path` too, if that is given."""
    if records:
        print(format_table(records))
    if path is not None:
        write_json(path, command, records)


def write_json(path: Path, command: str, records: Sequence[Record]) -> None:
    """Write what a command measured, and on what kind of machine."""
    document = {"command": command, "machine": machine(), "records": list(records)}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)
