"""Training loop: steps, checkpoints, validation, early stopping and interruption."""

import copy
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.distributed import Team
from training.evaluation.contact_sheet import save_sheet
from training.loop.checkpoint import Checkpoint, save_checkpoint
from training.loop.early_stopping import Best, weights_on_cpu
from training.loop.run_log import Journal
from training.loop.validation import sheet_of, validate, validation_loss
from training.recipes.base import Recipe, TrainingSet


@dataclass(frozen=True)
class Outcome:
    """The step at which a run ended, and whether a signal ended it."""

    step: int
    interrupted: bool


class Trainer:
    """One run: the network, its average, its optimizer and its clock; `checkpoint` is where a resumed run goes on."""

    def __init__(
        self,
        recipe: Recipe,
        data: TrainingSet,
        validation: Sequence[Tensor],
        run: Path,
        weights: dict[str, Tensor] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        # Minutes count from here: what a recipe loads and measures before its first step is part of the run.
        self._began = time.monotonic()
        self.recipe, self.data, self.validation, self.run = recipe, data, validation, run
        settings, device = recipe.settings, data.device
        torch.manual_seed(settings.seed + data.team.rank)
        self.network = recipe.build().to(device)
        self.clock = recipe.clock
        self.best = Best(settings.chunks, settings.patience)
        with torch.no_grad():
            if weights is not None:
                self.network.load_state_dict(weights)
            if checkpoint is not None:
                self.network.load_state_dict(checkpoint.network)
                recipe.restore(checkpoint.recipe_state, device)
            else:
                recipe.start(self.network, data)
            data.team.share([*self.network.state_dict().values(), *recipe.state().values()])
        self.network = _laid_out(self.network, device, data.team)
        self.ema = copy.deepcopy(self.network) if settings.ema is not None else None
        self.optimizer = recipe.optimizer(self.network)
        if checkpoint is not None:
            self._restore(checkpoint)

    def train(self) -> Outcome:
        """Go on until the settings' steps, epochs or minutes are over, or a signal or stagnation ends the run."""
        team, settings = self.data.team, self.recipe.settings
        last_step = self._last_step()
        total, unit = (last_step, "steps") if last_step is not None else (settings.minutes or 0.0, "min")
        journal = Journal(self.run, total, unit, self._done(last_step)) if team.leads else None
        batches = self.recipe.batches(self.data)
        earlier = saved_at = self.clock.minutes
        with _stop_signal() as stop:
            while True:
                spent = earlier + self._minutes()
                progress = self.clock.step / last_step if last_step is not None else spent / total
                stopped, spent, progress = team.agree(float(stop.asked), spent, progress, device=self.data.device)
                self.clock.minutes, self.clock.progress = spent, min(progress, 1.0)
                if stopped or progress >= 1 or self.best.exhausted:
                    break
                losses, photos = self._step(next(batches))
                self.clock.minutes = spent = earlier + self._minutes()
                if journal is not None:
                    rate = self.optimizer.param_groups[-1]["lr"]
                    journal.step(losses, photos * team.world, self.clock.step, spent, rate, self._done(last_step))
                if self._epoch_ended() and settings.keep_best:
                    self._keep_best(journal)
                by_steps = settings.save_every_steps is not None and self.clock.step % settings.save_every_steps == 0
                if journal is not None and (by_steps or spent - saved_at >= settings.save_every_minutes):
                    saved_at = spent
                    self.save(journal)
        if journal is not None:
            self.save(journal)
            journal.close()
        return Outcome(self.clock.step, bool(stopped))

    def _minutes(self) -> float:
        """Return how long this process has been at it."""
        return (time.monotonic() - self._began) / 60

    def _step(self, rgb: Tensor) -> tuple[dict[str, float], int]:
        settings = self.recipe.settings
        rate = self.recipe.learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate_share", 1.0)
        self.network.train()
        losses = self.recipe.losses(self.network, rgb)
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        self.data.team.average_gradients(self.network)
        if settings.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        self.optimizer.step()
        self.clock.step += 1
        if self.ema is not None and settings.ema is not None:
            # The first steps count for little: a young average would hold on to the untrained weights.
            update_ema(self.ema, self.network, min(settings.ema, (self.clock.step + 1) / (self.clock.step + 10)))
        values = {name: float(value.detach()) for name, value in losses.items()}
        if not torch.isfinite(torch.tensor(list(values.values()))).all():
            raise FloatingPointError(f"The loss is no longer finite at step {self.clock.step}: {values}.")
        return values, len(rgb)

    def save(self, journal: Journal | None = None) -> None:
        """Write the checkpoint and, with a journal, what the network makes of the validation photographs."""
        checkpoint = Checkpoint(
            recipe=self.recipe.name,
            settings=asdict(self.recipe.settings),
            warm=self.recipe.warm,
            photographs=len(self.data.samples),
            step=self.clock.step,
            minutes=self.clock.minutes,
            network=weights_on_cpu(self.network),
            ema=weights_on_cpu(self.ema) if self.ema is not None else None,
            best=self.best.state() if self.recipe.settings.keep_best else None,
            optimizer=self.optimizer.state_dict(),
            recipe_state={name: tensor.cpu() for name, tensor in self.recipe.state().items()},
            random_state=torch.get_rng_state(),
        )
        save_checkpoint(checkpoint, self.run)
        if journal is None or not self.validation:
            return
        network, device = self.ema or self.network, self.data.device
        figures = validate(self.recipe, network, self.validation[: self.recipe.settings.most_validation], device)
        journal.note(self.clock.step, self.clock.minutes, figures, group="validation")
        shown = self.validation[: self.recipe.settings.sheet_photos]
        save_sheet(
            sheet_of(self.recipe, network, shown, device), self.run / "sheets" / f"step-{self.clock.step:07d}.jpg"
        )
        words = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        journal.say(f"step {self.clock.step}, {self.clock.minutes:.1f} min: {words}")

    def _restore(self, checkpoint: Checkpoint) -> None:
        if self.ema is not None:
            self.ema.load_state_dict(checkpoint.ema or checkpoint.network)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.clock.step, self.clock.minutes = checkpoint.step, checkpoint.minutes
        if checkpoint.best is not None:
            self.best = Best(**checkpoint.best)
        if self.data.team.leads:
            torch.set_rng_state(checkpoint.random_state)
        else:
            torch.manual_seed(self.recipe.settings.seed + self.data.team.rank + self.clock.step)

    def _last_step(self) -> int | None:
        settings = self.recipe.settings
        if settings.steps is None and settings.epochs is None and settings.minutes is None:
            raise ValueError("How long is this run to be? Its settings name no steps, epochs or minutes.")
        if settings.steps is not None:
            return settings.steps
        if settings.epochs is not None:
            return max(1, round(settings.epochs * self.recipe.steps_per_epoch(len(self.data.samples))))
        return None

    def _done(self, last_step: int | None) -> float:
        return self.clock.step if last_step is not None else self.clock.minutes

    def _epoch_ended(self) -> bool:
        return self.clock.step % self.recipe.steps_per_epoch(len(self.data.samples)) == 0

    def _keep_best(self, journal: Journal | None) -> None:
        network = self.ema or self.network
        loss = validation_loss(self.recipe, network, self.validation, self.data.device)
        (loss,) = self.data.team.agree(loss, device=self.data.device)
        if journal is not None:
            journal.note(self.clock.step, self.clock.minutes, {"loss": loss}, group="validation")
        self.best.consider(network, loss)


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move every parameter and statistic of `ema` towards `network`."""
    averaged = [tensor for tensor in ema.state_dict().values() if tensor.is_floating_point()]
    current = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    torch._foreach_lerp_(averaged, current, 1 - decay)


def _laid_out(network: nn.Module, device: torch.device, team: Team) -> nn.Module:
    """Return `network` in the memory layout that convolutions like; on GPUs batch norm counts over all processes."""
    if team.world > 1 and device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


@dataclass
class _Stop:
    asked: bool = False


@contextmanager
def _stop_signal() -> Iterator[_Stop]:
    """Turn Ctrl-C and SIGTERM into a wish that is granted after the step; a second Ctrl-C is obeyed at once."""
    stop = _Stop()

    def ask(number: int, _frame: object) -> None:
        stop.asked = True
        signal.signal(number, before[signal.Signals(number)])
        print("\nStopping after this step, then saving.", flush=True)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
