"""Data-parallel training over the processes that torchrun starts."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Team:
    """The process group of a run, of which this is process `rank` of `world`; a single process needs no exchange."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and shows progress."""
        return self.rank == 0

    def average_gradients(self, network: nn.Module) -> None:
        """Replace every gradient by its mean over all processes."""
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
        """Broadcast the values of `tensors` from the first process to all."""
        if self.world > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def agree(self, *values: float, device: torch.device) -> list[float]:
        """Return the maximum of each value over all processes, so that all of them stop at the same step."""
        if self.world == 1:
            return list(values)
        together = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(together, dist.ReduceOp.MAX)
        return [float(value) for value in together]


def join_team(device: torch.device) -> Team:
    """Join the process group that torchrun started (gloo on CPUs, NCCL on GPUs); without torchrun, a group of one."""
    if "WORLD_SIZE" not in os.environ:
        return Team()
    team = Team(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_RANK"]))
    if team.world > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return team


def leave_team() -> None:
    """Destroy the process group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
