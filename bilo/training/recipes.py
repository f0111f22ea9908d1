"""Training recipes: which optimiser descends which level, and how fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pytorch_optimizer import SOAP
from torch import Tensor
from torch.optim import Optimizer

from bilo.training.budget import ENOUGH, Architecture, Budget

Groups = Sequence[dict[str, Any]]


class RecipeError(ValueError):
    """A recipe that does not fit the method or the objective."""


@dataclass(frozen=True)
class Descent:
    """First-order descent of the weights.

    Attributes
    ----------
    optimiser : callable
        Makes the optimiser from parameter groups with their rates.
    rate : float
        Its rate for the weights.
    schedule : callable
        Factor of the rate as a function of progress in [0, 1] over all steps.
    """

    optimiser: Callable[[Groups], Optimizer]
    rate: float
    schedule: Callable[[float], float]

    def over(
        self, weights: Iterable[Tensor], unknowns: Sequence[Tensor] = (), unknown_rate: float = 0.0
    ) -> Optimizer:
        """The optimiser of the weights and, at a rate of their own, of any unknowns."""
        groups = [{"params": list(weights), "lr": self.rate, "relative_rate": 1.0}]
        groups += [
            {"params": [v], "lr": unknown_rate, "relative_rate": unknown_rate / self.rate}
            for v in unknowns
            if len(v)
        ]
        return self.optimiser(groups)


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Second-order descent of the weights, `bilo.lower.levenberg_marquardt`."""


@dataclass(frozen=True)
class LastLayer:
    """Least squares in the last layer of a frozen trunk, `bilo.lower.response`."""


@dataclass(frozen=True)
class Recipe:
    """Optimisers of both levels; one recipe serves every problem.

    Attributes
    ----------
    lower : Descent, LevenbergMarquardt or LastLayer
        Of the weights.
    adam : bool
        Whether Adam descends the unknowns, along the gradient through the network input; otherwise
        the objective's own damped step on the tangent model does.
    upper_rate : float
        Rate of the unknowns where they are descended by a first-order optimiser (Adam, and PINN's).
    hold : float
        Last fraction of the fine-tuning in which the unknowns rest and the network settles.
    architecture, budget
        Of a fit that gives none of its own.
    without : tuple of str
        Options of methods that mean nothing to it: given, they are refused.
    """

    lower: Descent | LevenbergMarquardt | LastLayer
    adam: bool
    upper_rate: float
    hold: float
    architecture: Architecture
    budget: Budget
    without: tuple[str, ...] = ()


def _soap(groups: Groups) -> Optimizer:
    return SOAP(list(groups), betas=(0.95, 0.95), weight_decay=0.0, precondition_frequency=10)


def _adam(groups: Groups) -> Optimizer:
    return torch.optim.Adam(list(groups))


def cosine(progress: float) -> float:
    """From 1 to 1/200 along half a cosine."""
    return max(0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0))), 0.005)


def constant(progress: float) -> float:
    """Always 1."""
    return 1.0


FIRST_ORDER = (Architecture(128), Budget(200, 450, 256))
SECOND_ORDER = (Architecture(16, dtype=torch.float64), Budget(30, 200, ENOUGH, history_every=1))
LAST_LAYER = (
    Architecture(128, layers=2, dtype=torch.float64),
    Budget(1, 200, ENOUGH, history_every=1),
)
OF_DESCENT = ("rate", "sample_directions", "w_keep", "upper_every", "referee")
"""Options for both levels descending at once."""
OF_WEIGHTS = ("dtype", "fourier", "pretrain_steps", "w_rgrad", "w_pretraining", "start_grid")
"""And for weights that are searched, from a start that is learnt."""
OF_STEPS = ("upper_rate", "damping")
"""And for steps of a function that are not judged."""
RECIPES = {
    "fast": Recipe(Descent(_soap, 8e-3, cosine), False, 1e-2, 0.2, *FIRST_ORDER),
    "paper": Recipe(Descent(_adam, 1e-3, constant), True, 1e-3, 0.0, *FIRST_ORDER, ("damping",)),
    "lm": Recipe(LevenbergMarquardt(), False, 0.0, 0.0, *SECOND_ORDER, OF_DESCENT),
    "varpro": Recipe(LastLayer(), False, 0.0, 0.0, *LAST_LAYER, OF_DESCENT + OF_WEIGHTS + OF_STEPS),
}
"""``fast``: SOAP (Vyas et al. 2024) and damped generalised Gauss-Newton. ``paper``: Adam, Adam.
``lm``: Levenberg-Marquardt and safeguarded Gauss-Newton in turn, for small networks. ``varpro``:
variable projection, the last layer solved for field and sensitivities alike, for functions."""


def adam_of(params: Sequence[Tensor], rate: float) -> Optimizer:
    """The upper level's Adam."""
    return torch.optim.Adam(list(params), lr=rate)
