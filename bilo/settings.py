"""Settings of a fit that every method shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch


@dataclass(frozen=True)
class Settings:
    """Network, sampling, budget.

    Attributes
    ----------
    recipe : str
        A name in `bilo.recipes.RECIPES`.
    rate : float or None
        Rate of the weights; None: the recipe's own.
    upper_rate : float or None
        Rate of the unknowns where a first-order optimiser descends them; None: the recipe's own.
    width, layers, fourier : int
        The network: width and number of tanh layers, pairs of Fourier features.
    pretrain_steps, finetune_steps : int
        Lower-level steps of the two phases.
    points : int or None
        Fresh residual points of every step; None: the problem's full fixed set.
    w_rgrad : float
        Weight of the residual-gradient loss.
    sample_directions : bool
        Estimate the residual-gradient loss along one random direction in theta at each point:
        cheaper, and no noisier than random points are anyway.
    w_start : float
        Weight, in pretraining, of the numerical solution at the start.
    start_grid : int
        Further starts along each unknown, see `bilo.multistart`; 0: only the problem's own.
    w_data : float
        PINN only: weight of the data objective in its one loss.
    samples : {"coarse", "dense"}
        DeepONet only: grid of unknowns at which it sees numerical solutions.
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
    progress : str or None
        What a progress bar calls the fit; None: silent.
    """

    recipe: str = "fast"
    rate: float | None = None
    upper_rate: float | None = None
    width: int = 128
    layers: int = 3
    fourier: int = 0
    pretrain_steps: int = 200
    finetune_steps: int = 450
    points: int | None = 256
    w_rgrad: float = 0.1
    sample_directions: bool = False
    w_start: float = 1.0
    start_grid: int = 0
    w_data: float = 1.0
    samples: Literal["coarse", "dense"] = "coarse"
    seed: int = 0
    tolerance: float = 1e-2
    dtype: torch.dtype = torch.float32
    device: str = "auto"
    threads: int = 1
    checkpoint: Path | None = None
    key: str = ""
    checkpoint_seconds: float = 20.0
    history_every: int = 20
    progress: str | None = None

    def torch_device(self) -> torch.device:
        """The device to train on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)
