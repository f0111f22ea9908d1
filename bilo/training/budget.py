"""What a fit may take: the size of its network, steps and points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch

ALL: Final = "all"
ENOUGH: Final = "enough"
Count = int | Literal["all", "enough"]
"""Residual points a step: so many fresh ones; the problem's full fixed set; or, where the lower
level is least squares, as many as the weights of the network ask for."""


@dataclass(frozen=True)
class Architecture:
    """A network: width and number of tanh layers, pairs of Fourier features, number type."""

    width: int
    layers: int = 3
    fourier: int = 0
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class Budget:
    """Lower-level steps of both phases, residual points a step, steps between two records."""

    pretrain_steps: int
    finetune_steps: int
    points: Count
    history_every: int = 20

    @property
    def total(self) -> int:
        """Steps of both phases."""
        return self.pretrain_steps + self.finetune_steps

    def progress(self, step: int) -> float:
        """Part of the fine-tuning that is done, in [0, 1)."""
        return (step - self.pretrain_steps) / max(self.finetune_steps, 1)

    def count(self, enough: int) -> int | None:
        """What `Problem.collocation` is asked for; None: the full set."""
        if self.points == ALL:
            return None
        return enough if self.points == ENOUGH else int(self.points)
