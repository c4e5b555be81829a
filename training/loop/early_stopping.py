"""Early stopping: the weights with the least validation loss, and the decision to end a run."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass
class Best:
    """The weights of the epoch with the least validation loss, and the number of passes without improvement.

    A pass covers all `chunks`, an epoch each. Without a `patience` the run is never stopped.
    """

    chunks: int
    patience: int | None
    weights: dict[str, Tensor] | None = None
    loss: float = float("inf")
    pass_losses: list[float] = field(default_factory=list)
    best_pass: float = float("inf")
    passes_without_gain: int = 0

    def consider(self, network: nn.Module, loss: float) -> None:
        """Record the validation `loss` of `network` after an epoch; keep a copy of the weights if it is the least."""
        if loss < self.loss:
            self.weights, self.loss = weights_on_cpu(network), loss
        self.pass_losses.append(loss)
        if len(self.pass_losses) < self.chunks:
            return
        mean = sum(self.pass_losses) / self.chunks
        self.passes_without_gain = 0 if mean < self.best_pass else self.passes_without_gain + 1
        self.best_pass = min(mean, self.best_pass)
        self.pass_losses = []

    @property
    def exhausted(self) -> bool:
        """Whether more than `patience` passes in a row brought no improvement."""
        return self.patience is not None and self.passes_without_gain > self.patience

    def state(self) -> dict[str, Any]:
        """Return the fields, to be stored in a checkpoint."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def weights_on_cpu(network: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the network's state dict on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
