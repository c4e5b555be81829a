"""Log of a training run: progress bar, `log.csv` and TensorBoard files."""

import csv
import time
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

_LINE_EVERY_S = 60.0
_FIGURES_EVERY_S = 5.0


class Journal:
    """Log of the run in the folder `run`; logged losses are means over the steps since the previous row.

    `total` is the run's length in `unit` (steps or minutes), `done` how much of it an earlier session did. Without a
    terminal the bar is replaced by a line a minute.
    """

    def __init__(self, run: Path, total: float, unit: str, done: float) -> None:
        run.mkdir(parents=True, exist_ok=True)
        self._csv = run / "log.csv"
        self._board = SummaryWriter(str(run / "tensorboard"))
        form = "{desc}: {percentage:3.0f}%|{bar}| {n:.4g}/{total:.4g} {unit} [{elapsed}, {remaining} left{postfix}]"
        self._bar = tqdm(total=total, unit=unit, initial=done, bar_format=form, disable=None)
        self._sums: dict[str, float] = {}
        self._steps = self._photos = 0
        self._since = self._printed = time.monotonic()

    def step(self, losses: dict[str, float], photos: int, step: int, minutes: float, rate: float, done: float) -> None:
        """Record one step's losses; every few seconds write their means."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1
        self._photos += photos
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if now - self._since < _FIGURES_EVERY_S:
            return
        figures = {name: total / self._steps for name, total in self._sums.items()}
        speed = self._photos / (now - self._since)
        words = f"loss {figures['loss']:.4g}, {_rounded(speed)} photos/s"
        self._bar.set_postfix_str(words)
        self.note(step, minutes, {**figures, "rate": rate, "photos_per_s": speed})
        if self._bar.disable and now - self._printed > _LINE_EVERY_S:
            self._printed = now
            left = minutes * (self._bar.total - done) / max(done, 1e-9)
            print(f"step {step}, {minutes:.1f} min, {_rounded(left)} min left, {words}", flush=True)
        self._sums, self._steps, self._photos, self._since = {}, 0, 0, now

    def note(self, step: int, minutes: float, figures: dict[str, float], group: str = "train") -> None:
        """Write `figures` to the CSV file and to TensorBoard."""
        fresh = not self._csv.exists()
        with self._csv.open("a", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            if fresh:
                rows.writerow(["step", "minutes", "group", "figure", "value"])
            rows.writerows([step, f"{minutes:.3f}", group, name, f"{value:.6g}"] for name, value in figures.items())
        for name, value in figures.items():
            self._board.add_scalar(f"{group}/{name}", value, step)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.write(text)

    def close(self) -> None:
        """Close the bar and the TensorBoard file."""
        self._bar.close()
        self._board.close()


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
