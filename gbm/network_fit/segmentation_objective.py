"""The segmentation objective as the upper level of a network fit, thresholds included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gbm.growth.growth_prior import Explicit
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.region_loss import RegionLoss as RegionLoss
from gbm.growth.thresholds import from_unconstrained, to_unconstrained
from gbm.network_fit.thresholded import Thresholded
from gbm.network_fit.tumour_problem import TumourProblem
from gbm.search.trust_region import Search, tangent_minimum

EVERY = {2: 10, 3: 25}
"""Lower steps between two upper ones; those of a volume look at ten times as many cells."""
BOX = 0.05
"""Largest change of ln rD and ln rRHO that the tangent model is asked for in one upper step."""
FIRST_FRACTION, LAST_FRACTION = 1.0, 0.02
"""Part of a step that is taken at first, and at the end."""
STEEP_FROM = 0.3
"""Progress at which the slope k has reached its final value."""
BY_PARAMS = np.array([[0.5, -0.5], [0.0, 1.0]])
"""Derivatives of ln lambda = ln sqrt(DT / rhoT) and of ln rho T by ln rD and ln rRHO."""


def part_of_a_step(progress: float) -> float:
    """What is taken of a step: all of it until the slope is final, then less and less."""
    late = max(progress - STEEP_FROM, 0.0) / (1.0 - STEEP_FROM)
    return FIRST_FRACTION * (LAST_FRACTION / FIRST_FRACTION) ** late


class SegmentationObjective(Thresholded):
    """J(u, thresholds) of a patient, and the prior of lambda and rho T.

    The field is the logit l at the objective's cells (voxels of a slice, 2 mm of a volume) that may
    show; all others count as u = 0 and are, where they are not segmented, lumped into one, which
    leaves every sum unchanged.

    Parameters
    ----------
    tumour : TumourProblem
    inverse : GrowthInverseProblem
        On the cells of the tumour's objective.
    continued : bool
        Whether the slope k is continued from its first value. A start that the final slope chose
        needs no gentler one, which has other basins.
    """

    def __init__(
        self, tumour: TumourProblem, inverse: GrowthInverseProblem, *, continued: bool = True
    ) -> None:
        self.continued = continued
        self.every = EVERY[len(tumour.axes)]
        super().__init__(inverse)
        self.points, index = tumour.voxels()
        self._count = len(index)
        self._objective, _ = inverse.objective.kept(index)
        self._start = np.log([tumour.growth.lambda_mm, tumour.growth.rhoT])
        unlimited = np.full(2, np.inf)
        self._search = Search(
            -unlimited, unlimited, np.ones(2), inverse.threshold_bounds, lambda g: True
        )

    def value(self, l: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
        """J at the slope that belongs to the progress."""
        value: Tensor = _Value.apply(l, nuisance, self, self._at(progress))  # type: ignore[no-untyped-call]
        return value

    def prior(self, params: Tensor) -> Tensor:
        """The prior of lambda and rho T at the params ln rD and ln rRHO."""
        value: Tensor = _Prior.apply(params, self)  # type: ignore[no-untyped-call]
        return value

    def _along(self, params: np.ndarray) -> Explicit:
        """That prior as a function of a change d of the params."""
        return self.inverse.growth_prior.along(self._start + BY_PARAMS @ params, BY_PARAMS)

    def _at(self, progress: float) -> RegionLoss:
        """The slope k goes from its first to its final value, then stays."""
        if not self.continued:
            return self._objective
        final, first = self.inverse.objective.k, self.inverse.k_start
        k = first * (final / first) ** min(progress / STEEP_FROM, 1.0)
        return replace(self._objective, k=k)

    def step(
        self, l: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """Part of the way to the minimum over the tangent model l + J^T d, |d| <= `BOX`."""
        slopes = np.pad(J.numpy(), ((0, 0), (0, self._lumps)))
        d, thresholds, _ = tangent_minimum(
            self._at(progress),
            self._density(l),
            slopes,
            self.thresholds(nuisance),
            np.array([[-BOX, BOX]] * len(params)),
            self._search,
            self._along(params.detach().double().numpy()),
        )
        part = part_of_a_step(progress)
        moved = to_unconstrained(thresholds, self.inverse.threshold_bounds)
        return params + part * torch.from_numpy(d), torch.from_numpy(moved)

    def _density(self, l: Tensor) -> np.ndarray:
        return np.pad(torch.sigmoid(l.double()).numpy(), (0, self._lumps))

    @property
    def _lumps(self) -> int:
        return self._objective.phi.size - self._count


class _Value(torch.autograd.Function):
    """J with its hand-written derivatives by l and by the unconstrained thresholds."""

    @staticmethod
    def forward(
        ctx: Any, l: Tensor, nuisance: Tensor, goal: SegmentationObjective, at: RegionLoss
    ) -> Tensor:
        u = goal._density(l)
        thresholds, jacobian = from_unconstrained(
            nuisance.detach().double().numpy(), goal.inverse.threshold_bounds
        )
        value, by_u, by_thresholds = at.value_and_grad(u, thresholds)
        u, by_u = u[: goal._count], by_u[: goal._count]
        ctx.save_for_backward(
            torch.from_numpy(by_u * u * (1 - u)), torch.from_numpy(by_thresholds @ jacobian)
        )
        return torch.tensor(value, dtype=l.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        by_l, by_nuisance = ctx.saved_tensors
        return grad * by_l, grad * by_nuisance, None, None


class _Prior(torch.autograd.Function):
    """The prior of the growth parameters with its derivative by the params."""

    @staticmethod
    def forward(ctx: Any, params: Tensor, goal: SegmentationObjective) -> Tensor:
        value, by_params = goal._along(params.detach().double().numpy())(np.zeros(2))
        ctx.save_for_backward(torch.from_numpy(by_params).to(params))
        return params.new_tensor(value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (by_params,) = ctx.saved_tensors
        return grad * by_params, None
