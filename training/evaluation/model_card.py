"""Insertion of an evaluation report into a Markdown model card."""

from pathlib import Path

BEGIN, END = "<!-- evaluate writes from here -->", "<!-- to here -->"


def write_card(card: Path, report: str) -> None:
    """Replace the text between the two markers of the Markdown file `card`; `ValueError` without markers."""
    text = card.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{card} has no place for the figures: a line {BEGIN} and, below it, a line {END}.")
    card.write_text(f"{before}{BEGIN}\n\n{report.strip()}\n\n{END}{after}", encoding="utf-8")
