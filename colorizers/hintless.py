"""What the teaching networks share: they colour from L alone, without hints and without a distribution of colours."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class HintlessNetwork(nn.Module, ABC):
    """A network whose `ab_of` says all it has to say: ab (n, 2, h', w'), raw units, for L (n, 1, h, w) in 0..100."""

    @abstractmethod
    def ab_of(self, L: Tensor) -> Tensor:
        """Return ab for L."""

    def predict(
        self,
        L: Tensor,
        hint_ab: Tensor,
        hint_mask: Tensor,
        temperature: float | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Return `ab_of(L)`; `ValueError` when any hint is given. `temperature` changes nothing."""
        if bool(hint_mask.any()) or bool(hint_ab.any()):
            raise ValueError(f"{type(self).__name__} takes no colour hints.")
        return self.ab_of(L)
