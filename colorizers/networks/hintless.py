"""Base class of networks that predict ab from L alone, without hints and without a distribution."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class HintlessNetwork(nn.Module, ABC):
    """A network that predicts ab (n, 2, h', w'), raw units, from L (n, 1, h, w) in 0..100 by `ab_of`."""

    @abstractmethod
    def ab_of(self, L: Tensor) -> Tensor:
        """Predict ab from L."""

    def predict(
        self,
        L: Tensor,
        hint_ab: Tensor,
        hint_mask: Tensor,
        temperature: float | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Return `ab_of(L)`; raises `ValueError` when any hint is given. `temperature` has no effect."""
        self.refuse_hints(hint_ab, hint_mask)
        return self.ab_of(L)

    def refuse_hints(self, hint_ab: Tensor, hint_mask: Tensor) -> None:
        """Raise `ValueError` when any hint is given."""
        if bool(hint_mask.any()) or bool(hint_ab.any()):
            raise ValueError(f"{type(self).__name__} takes no colour hints.")
