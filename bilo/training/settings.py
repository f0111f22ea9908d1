"""Settings of a fit that every method shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bilo.training.recipes import RECIPES

OWN: Any = "the recipe's own"
"""Of a setting that the recipe fills in."""


@dataclass(frozen=True)
class Settings:
    """Network, sampling, budget.

    What a fit leaves out is filled in from `Recipe.defaults` at once: the width of a `Settings()`
    is a number, and `dataclasses.replace` with another recipe keeps it.

    Attributes
    ----------
    recipe : str
        A name in `RECIPES`.
    rate : float or None
        Rate of the weights, where they have one; None: the recipe's own.
    upper_rate : float or None
        Rate of the unknowns where a first-order optimiser descends them, or the part that is taken
        of a function's Gauss-Newton step; None: the recipe's own.
    upper_every : int or None
        Steps of the weights to one of the unknowns, where both levels descend at once; None: the
        objective's own.
    damping : float
        Levenberg's parameter of a function's Gauss-Newton step, relative to the largest eigenvalue:
        what the data hardly see moves slowly, and coarse features come first.
    width, layers, fourier : int
        The network: width and number of tanh layers, pairs of Fourier features.
    pretrain_steps, finetune_steps : int
        Lower-level steps of the two phases.
    points : int or None
        Fresh residual points of every step; None: the problem's full fixed set. 0, for recipe
        `lm` alone: as many as its weights ask for (`least_squares.enough`).
    w_rgrad : float
        Weight of the residual-gradient loss.
    sample_directions : bool
        Estimate the residual-gradient loss along one random direction in theta at each point:
        cheaper, and no noisier than random points are anyway. Recipe `lm` always takes them all.
    w_start : float
        Weight, in pretraining, of the numerical solution at the start.
    w_keep : float
        Weight of the same in fine-tuning, of the field at the start's unknowns wherever these have
        gone: where the equation hardly determines a part of the field the operator forgets it.
        BiLO, descending by gradients, only.
    start_grid : int
        Further starts along each unknown, see `multi_start`; 0: only the problem's own.
    w_reg : float
        Weight of the problem's regulariser of an unknown function.
    w_data : float
        PINN only: weight of the data objective in its one loss.
    samples : str
        DeepONet only: where it sees numerical solutions, ``coarse`` or ``dense`` for a grid of
        scalars; a name of `Function.sampled`, such as ``length0.2``, for functions.
    seed : int
        Of network, points and nothing else.
    tolerance : float
        Largest relative L2 difference of network and numerical solution that counts as converged.
    dtype : torch.dtype
    device : str
        ``auto`` takes CUDA when it is there.
    threads : int
    checkpoint : Path or None
        File to resume from and to write to; None: no checkpoints.
    key : str
        Names what is fitted; a checkpoint of another key is not continued.
    checkpoint_seconds : float
    history_every : int
        Steps between two records of the history.
    watch : callable or None
        (unknowns by name) -> numbers that the history records beside; training never sees them.
    progress : str or None
        What a progress bar calls the fit; None: silent.
    """

    recipe: str = "fast"
    rate: float | None = None
    upper_rate: float | None = None
    upper_every: int | None = None
    damping: float = 1e-5
    width: int = OWN
    layers: int = 3
    fourier: int = 0
    pretrain_steps: int = OWN
    finetune_steps: int = OWN
    points: int | None = OWN
    w_rgrad: float = 0.1
    sample_directions: bool = False
    w_start: float = 1.0
    w_keep: float = 0.0
    start_grid: int = 0
    w_reg: float = 0.0
    w_data: float = 1.0
    samples: str = "coarse"
    seed: int = 0
    tolerance: float = 1e-2
    dtype: torch.dtype = OWN
    device: str = "auto"
    threads: int = 1
    checkpoint: Path | None = None
    key: str = ""
    checkpoint_seconds: float = 20.0
    history_every: int = OWN
    watch: Callable[[Mapping[str, Any]], Mapping[str, float]] | None = None
    progress: str | None = None

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"no recipe {self.recipe!r}; there are {', '.join(RECIPES)}")
        for name, value in RECIPES[self.recipe].defaults.items():
            if getattr(self, name) is OWN:
                object.__setattr__(self, name, value)
        if self.points == 0 and RECIPES[self.recipe].lower is not None:
            raise ValueError(f"recipe {self.recipe!r} needs a number of points, or None for all")

    def torch_device(self) -> torch.device:
        """The device to train on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)
