"""A small round head: where the brain is, how white it is, and how far from the tumour's middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHAPE = (32, 30, 28)


@dataclass(frozen=True)
class RoundHead:
    """Arrays of `SHAPE`.

    Attributes
    ----------
    index : ndarray (3, ..)
    radius, away : ndarray
        Voxels from the middle of the head, and of the tumour.
    brain : ndarray of bool
    white : ndarray
        Share of white matter.
    """

    index: np.ndarray
    radius: np.ndarray
    away: np.ndarray
    brain: np.ndarray
    white: np.ndarray

    @classmethod
    def made(cls) -> RoundHead:
        """A brain of 12.5 voxels, a tumour two voxels off its middle."""
        index = np.indices(SHAPE)
        middle = np.array(SHAPE)[:, None, None, None] / 2
        aside = middle + np.array([2, 0, 0])[:, None, None, None]
        radius, away = (np.sqrt(((index - at) ** 2).sum(axis=0)) for at in (middle, aside))
        brain = radius < 12.5
        return cls(index, radius, away, brain, np.where(brain, 1 / (1 + np.exp(radius - 9.0)), 0.0))

    @property
    def grey(self) -> np.ndarray:
        """Share of grey matter."""
        return np.where(self.brain, 1 - self.white, 0.0)
