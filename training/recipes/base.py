"""Base classes of training recipes: settings, batches, loss, optimizer and schedule of one network.

Each recipe is a module of `training.recipes.registry` with its `Settings`, the author's and a laptop preset, and its
`Recipe`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar, Literal

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.half_precision import ColorNetwork
from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.weights.registry import ModelSpec
from training.data.samples import Canvas, Crop, Sample
from training.data.stream import Stream
from training.distributed import Team

Schedule = Literal["constant", "cosine"]

# Training time of the laptop presets; the command, start and last save included, then takes five minutes.
PRESET_MINUTES = 4.7


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Hyperparameters that every recipe has; a checkpoint stores them all.

    A run ends after `steps`, `epochs` or `minutes`, whichever is set. `chunks` splits the set; an epoch is one pass
    over one chunk. A `validation_share` of the photographs is held out. `ema` is the decay of the weights' moving
    average, which is then exported. `patience` is the number of passes over all chunks without a better validation
    loss after which the run ends.
    """

    height_px: int
    width_px: int
    batch: int
    learning_rate: float
    steps: int | None = None
    epochs: float | None = None
    minutes: float | None = None
    load_px: int | None = None
    crop: Crop = "random"
    mirror: bool = True
    jpeg_only: bool = False
    shuffle_buffer: int | None = None
    chunks: int = 1
    validation_share: float = 0.01
    most_validation: int = 100
    keep_best: bool = False
    patience: int | None = None
    schedule: Schedule = "cosine"
    warmup_steps: int = 0
    clip: float | None = None
    ema: float | None = None
    bf16: bool = False
    seed: int = 17
    save_every_steps: int | None = None
    save_every_minutes: float = 8.0
    sheet_photos: int = 10

    @property
    def canvas(self) -> Canvas:
        return Canvas(self.height_px, self.width_px, self.crop, self.load_px, self.mirror)


@dataclass
class Clock:
    """Progress of a run: steps done, minutes spent, and the share 0..1 of its length; the trainer updates it."""

    step: int = 0
    minutes: float = 0.0
    progress: float = 0.0


@dataclass(frozen=True)
class TrainingSet:
    """The photographs of a run, its process group and its device."""

    samples: Sequence[Sample]
    team: Team = field(default_factory=Team)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    threads: int = 2


class Recipe(ABC):
    """The way one network is trained; subclasses define network, loss, optimizer and what differs from the defaults."""

    name: ClassVar[str]
    settings_class: ClassVar[type[Settings]]
    author: ClassVar[Settings]
    laptop: ClassVar[Settings]
    temperature: ClassVar[float | None] = None

    def __init__(self, settings: Settings, warm: bool = False) -> None:
        """`warm` tells that the run starts from trained weights."""
        self.settings = settings
        self.warm = warm
        self.clock = Clock()

    @abstractmethod
    def build(self) -> nn.Module:
        """Create the untrained network, a `ColorNetwork`."""

    @abstractmethod
    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        """Return scalar losses by name for RGB (n, 3, h, w) in 0..1; "loss" is the one to minimize."""

    @abstractmethod
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Create the optimizer with the author's constants."""

    @abstractmethod
    def spec(self, name: str) -> ModelSpec:
        """Return the spec of the trained network under `name`: working size, units, hints, temperature."""

    def plain_spec(self, name: str, title: str, **differences: Any) -> ModelSpec:
        """Return the spec of a network that works at its training size, without licence and data; override fields."""
        spec = ModelSpec(
            name=name,
            family=self.name,
            title=title,
            filename=f"{name}.safetensors",
            licence="not stated",
            trained_on="not stated",
            working_size_px=min(self.settings.height_px, self.settings.width_px),
            keeps_aspect=True,
        )
        return replace(spec, **differences)

    def start(self, network: nn.Module, data: TrainingSet) -> None:  # noqa: B027
        """Compute what the loss needs from the photographs, before the first step of a new run."""

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that `start` computed, for the checkpoint."""
        return {}

    def restore(self, state: dict[str, Tensor], device: torch.device) -> None:  # noqa: B027
        """Restore what `state` returned."""

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        settings, clock = self.settings, self.clock
        warm = min(1.0, (clock.step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
        fall = 0.5 * (1 + math.cos(math.pi * clock.progress)) if settings.schedule == "cosine" else 1.0
        return settings.learning_rate * warm * fall

    def batch_size(self, photographs: int) -> int:
        """Return the size of a batch, all processes together."""
        return min(self.settings.batch, photographs)

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the autocast context of the forward pass: bfloat16 if the settings ask for it and `device` has it."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.settings.bf16 and bf16_helps(device))

    def steps_per_epoch(self, photographs: int) -> int:
        """Return the number of steps in an epoch (one pass over one chunk)."""
        return max(1, photographs // self.settings.chunks // self.batch_size(photographs))

    def batches(self, data: TrainingSet) -> Iterator[Tensor]:
        """Yield RGB batches (n, 3, h, w) in 0..1 on the device without end, from the clock's step on."""
        settings, team = self.settings, data.team
        stream = Stream(
            samples=data.samples,
            canvas=settings.canvas,
            batch=self.batch_size(len(data.samples)),
            seed=settings.seed,
            buffer=settings.shuffle_buffer,
            chunks=settings.chunks,
            rank=team.rank,
            world=team.world,
            threads=data.threads,
        )
        for batch in stream.batches(self.clock.step):
            yield batch.to(data.device, non_blocking=True).float() / 255

    def still(self, image: Image.Image) -> Tensor:
        """Fit a validation photo to the canvas without random crops: RGB uint8 (3, h, w)."""
        return torch.from_numpy(self.settings.canvas.fit(image).copy()).permute(2, 0, 1)

    def predict_ab(self, network: ColorNetwork, rgb: Tensor) -> Tensor:
        """Return the network's ab (n, 2, h, w), raw units, for RGB (n, 3, h, w) in 0..1, without hints."""
        L = rgb_to_lab(rgb)[:, :1]
        none = torch.zeros_like(L)
        ab = network.predict(L, none.expand(-1, 2, -1, -1), none, self.temperature)
        return F.interpolate(ab.float(), size=L.shape[2:], mode="bilinear")


@cache
def bf16_helps(device: torch.device) -> bool:
    """Return whether `device` computes in bfloat16 natively; emulation is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16"))
