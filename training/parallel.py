"""Several processes or machines, one training run: torchrun's environment in, averaged gradients and one clock out."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Team:
    """The processes of a run: this is number `rank` of `world`. Alone, every method does nothing."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def average_gradients(self, network: nn.Module) -> None:
        """Replace every gradient by its mean over the processes."""
        if self.world == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        parts = flat.split(  # type: ignore[no-untyped-call]
            [gradient.numel() for gradient in gradients]
        )
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Give every process the first one's values of `tensors`."""
        if self.world > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def agree(self, *values: float, device: torch.device) -> list[float]:
        """Return the largest of each value over the processes, so that all stop at the same step."""
        if self.world == 1:
            return list(values)
        together = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(together, dist.ReduceOp.MAX)
        return [float(value) for value in together]


def join_team(device: torch.device) -> Team:
    """Return this process's place in the run that torchrun started (gloo on CPU, NCCL on GPU), else a team of one."""
    if "WORLD_SIZE" not in os.environ:
        return Team()
    team = Team(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_RANK"]))
    if team.world > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return team


def leave_team() -> None:
    """End the process group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
