"""What every method with a network takes: a recipe, and what of it a fit does otherwise."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any, ClassVar

import torch

from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.networks.network import OperatorNetwork
from bilo.training.budget import ALL, ENOUGH, Architecture, Budget, Count
from bilo.training.recipes import RECIPES, Descent, Recipe, RecipeError
from bilo.training.session import Session
from bilo.training.solution import Solution


@dataclass(frozen=True)
class NetworkMethod(ABC):
    """A recipe and a budget; None is the recipe's own.

    Attributes
    ----------
    recipe : str
        A name in `RECIPES`.
    width, layers, fourier : int
        The network: width and number of tanh layers, pairs of Fourier features.
    pretrain_steps, finetune_steps : int
        Lower-level steps of the two phases.
    points : int, "all" or "enough"
        Fresh residual points of every step; the problem's full fixed set; or, for recipe `lm`
        alone, as many as its weights ask for (`least_squares.enough`).
    rate : float
        Of the weights; first-order recipes only.
    dtype : torch.dtype
    history_every : int
        Steps between two records of the history.
    tolerance : float
        Largest relative L2 difference of network and numerical solution that counts as converged.
    """

    name: ClassVar[str]
    solves_the_equation: ClassVar[bool] = True

    recipe: str = "fast"
    _: KW_ONLY
    width: int | None = None
    layers: int | None = None
    fourier: int | None = None
    pretrain_steps: int | None = None
    finetune_steps: int | None = None
    points: Count | None = None
    rate: float | None = None
    dtype: torch.dtype | None = None
    history_every: int | None = None
    tolerance: float = 1e-2

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"no recipe {self.recipe!r}; there are {', '.join(RECIPES)}")
        self._require_counts("width", "layers", "history_every", least=1)
        self._require_counts("fourier", "pretrain_steps", "finetune_steps", least=0)
        if isinstance(self.points, int):
            self._require_counts("points", least=1)
        elif self.points not in (None, ALL, ENOUGH):
            raise ValueError(f"points: {self.points!r} is neither a number nor 'all' nor 'enough'")
        if self.first_order is not None and self.points == ENOUGH:
            raise RecipeError(f"recipe {self.recipe!r} needs a number of points, or 'all'")
        self._refuse(*self._recipe.without)

    @abstractmethod
    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer the unknowns of a problem."""

    @property
    def _recipe(self) -> Recipe:
        return RECIPES[self.recipe]

    @property
    def first_order(self) -> Descent | None:
        """The descent of the weights at the method's rate; None where least squares solve them."""
        lower = self._recipe.lower
        if not isinstance(lower, Descent):
            return None
        return lower if self.rate is None else replace(lower, rate=self.rate)

    @property
    def takes_weak_form(self) -> bool:
        """Whether it solves the weak form of an equation where a problem states one."""
        return False

    @property
    def architecture(self) -> Architecture:
        """The network, with the recipe's values filled in."""
        own = {k: getattr(self, k) for k in ("width", "layers", "fourier", "dtype")}
        return replace(self._recipe.architecture, **_said(own))

    @property
    def budget(self) -> Budget:
        """Steps and points, with the recipe's values filled in."""
        names = ("pretrain_steps", "finetune_steps", "points", "history_every")
        return replace(self._recipe.budget, **_said({k: getattr(self, k) for k in names}))

    def _refuse(self, *foreign: str) -> None:
        for option in fields(self):
            if option.name in foreign and getattr(self, option.name) != option.default:
                raise RecipeError(f"recipe {self.recipe!r} has no {option.name}")

    def _require_counts(self, *names: str, least: int) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise ValueError(f"{name}: {value!r} is no whole number of at least {least}")

    def _require_weights(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 <= value < math.inf):
                raise ValueError(f"{name}: {value!r} is no number of at least 0")


def operator_network(
    problem: Problem, architecture: Architecture, session: Session, *, theta: bool = True
) -> OperatorNetwork:
    """The local operator's network, or without `theta` a PINN's, on the session's device."""
    sizes = (architecture.width, architecture.layers, architecture.fourier)
    network = OperatorNetwork(problem, *sizes, session.seed, theta=theta)
    return network.to(session.torch_device(), architecture.dtype)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
