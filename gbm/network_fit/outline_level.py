"""The outlines' posterior as the upper level of a network fit, thresholds included.

    J = -log p(outlines | logit u, thresholds) - log prior,

a sum of squares of displacements that are read along the outlines' normals between cells, in the
logit that the network represents. Cells that it does not know, behind the walls, keep the start's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import logit
from torch import Tensor

from bilo.posterior.gauss_newton import Descent, covariance, levenberg_marquardt
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.thresholds import from_unconstrained, to_unconstrained
from gbm.network_fit.segmentation_objective import BOX, BY_PARAMS, EVERY, part_of_a_step
from gbm.network_fit.thresholded import Thresholded
from gbm.network_fit.tumour_problem import TumourProblem
from gbm.posterior.growth_posterior import DENSITY_FLOOR, LogPosterior
from gbm.posterior.mode import NEAREST
from gbm.posterior.objective import OutlineObjective

_TRIALS = 10
_TOLERANCE = 1e-3
_LEVEL_REACH = 0.5
"""Longest step of a threshold, in its natural unit, within a tangent model."""
_STEP = 2e-3
"""Of the finite differences along the params."""


class OutlineLevel(Thresholded):
    """-log p of a patient's outlines, and the prior of lambda and rho T.

    Parameters
    ----------
    tumour : TumourProblem
    inverse : GrowthInverseProblem
        Its `outlines` on the cells of the tumour's objective.
    """

    def __init__(self, tumour: TumourProblem, inverse: GrowthInverseProblem) -> None:
        assert isinstance(inverse.outlines, OutlineObjective)
        super().__init__(inverse)
        self.every = EVERY[len(tumour.axes)]
        self.posterior, readers = inverse.outlines.posterior, inverse.outlines.readers
        read = np.unique(np.concatenate([reader.cells for reader in readers]))
        self._readers = tuple(reader.on(read) for reader in readers)
        final = tumour.surroundings.final.ravel()[read].astype(float)
        self._known = logit(np.clip(final, DENSITY_FLOOR, 1 - DENSITY_FLOOR))
        self._learned = np.flatnonzero(tumour.present.ravel()[read])
        self.points = tumour.cells(read[self._learned])
        self._start = np.log([tumour.growth.lambda_mm, tumour.growth.rhoT])
        self._x0 = tumour.seed.x0

    def value(self, l: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
        """J but for the prior of lambda and rho T."""
        value: Tensor = _Value.apply(l, nuisance, self)  # type: ignore[no-untyped-call]
        return value

    def prior(self, params: Tensor) -> Tensor:
        """Half the squared deviations of ln lambda and ln rho T, in sd."""
        prior = self.posterior.prior
        growth = torch.from_numpy(self._start) + torch.from_numpy(BY_PARAMS) @ params.cpu().double()
        z2 = (growth - torch.from_numpy(prior.mean[:2])) ** 2 * torch.from_numpy(
            prior.precision[:2]
        )
        return 0.5 * z2.sum().to(params)

    def step(
        self, l: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """Part of the way to the mode of the tangent model l + J^T d, |d| <= `BOX`."""
        here, levels = params.detach().double().numpy(), self.thresholds(nuisance)
        tangent = self._tangent(l, J, here)
        n = len(self.posterior.outlines.regions)
        z = tangent.inside(np.concatenate([self._start + BY_PARAMS @ here, levels[:n]]))
        reach = np.repeat([BOX, _LEVEL_REACH], [2, n])
        descent = Descent(tangent.scale, reach, _TRIALS, _TOLERANCE, tangent.towards)
        mode = levenberg_marquardt(tangent, z, descent)
        d = np.linalg.solve(BY_PARAMS, mode.theta[:2] - z[:2])
        part = part_of_a_step(progress)
        part /= max(1.0, float(np.abs(d).max()) / BOX)
        levels[:n] = z[2:] + part * (mode.theta[2:] - z[2:])
        moved = to_unconstrained(levels, self.inverse.threshold_bounds)
        return params + part * torch.from_numpy(d), torch.from_numpy(moved)

    def local_sd(self, l: Tensor, J: Tensor, nuisance: Tensor) -> Tensor:
        """Square roots of the diagonal of the inverse Gauss-Newton Hessian, in params."""
        n, tangent = len(self.posterior.outlines.regions), self._tangent(l, J, np.zeros(2))
        z = np.concatenate([self._start, self.thresholds(nuisance)[:n]])
        _, hessian = tangent.expand(z, tangent.read(z))
        found = covariance(hessian, tangent.scale)[:2, :2]
        to_params = np.linalg.inv(BY_PARAMS)
        return torch.from_numpy(np.sqrt(np.diag(to_params @ found @ to_params.T)))

    def features(self, l: np.ndarray) -> np.ndarray:
        """What the likelihoods look at, (F,), of the field (N,)."""
        full = self._known.copy()
        full[self._learned] = l
        return np.concatenate([reader(full) for reader in self._readers])

    def derivative(self, l: np.ndarray, levels: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """-log p(outlines), and its derivatives by the field (N,) and the thresholds (regions,)."""
        features, full = self.features(l), self._known.copy()
        full[self._learned] = l
        outlines = self.posterior.outlines
        by_features, by_levels = outlines.slope(features, levels)
        parts = zip(self._readers, outlines.split(by_features), strict=True)
        by_full = np.sum([reader.pulled_back(part, full) for reader, part in parts], axis=0)
        value = float(outlines.log(features[None], levels[:, None])[0])
        return -value, -by_full[self._learned], -by_levels

    def _tangent(self, l: Tensor, J: Tensor, here: np.ndarray) -> _Tangent:
        field, slopes = l.detach().double().numpy(), J.detach().double().numpy()
        return _Tangent(self, field, slopes, self._start + BY_PARAMS @ here, self._x0)


@dataclass(frozen=True)
class _Tangent:
    """log p of the tangent model, a `Target` in z = (ln lambda, ln rho T, thresholds)."""

    level: OutlineLevel
    l: np.ndarray
    J: np.ndarray
    here: np.ndarray
    x0: np.ndarray

    @property
    def posterior(self) -> LogPosterior:
        return self.level.posterior

    @property
    def scale(self) -> np.ndarray:
        """Natural size of a change of each unknown."""
        return self._without(self.posterior.scale)

    def inside(self, z: np.ndarray) -> np.ndarray:
        """A point moved into the support of the prior."""
        return self._without(self.posterior.prior.inside(self._whole(z)))

    def towards(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        """The second point, or as near to it as the support allows."""
        return self._without(self.posterior.prior.inside(self._whole(there), NEAREST))

    def read(self, z: np.ndarray) -> np.ndarray:
        """Features (F,) of l + J^T d."""
        d = np.linalg.solve(BY_PARAMS, z[:2] - self.here)
        return self.level.features(self.l + d @ self.J)

    def evaluate(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """log p, and the features."""
        theta, features = self._whole(z), self.read(z)
        return float(self.posterior.log(theta[None], features[None])[0]), features

    def expand(self, z: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Gauss-Newton Hessian of -log p."""
        steps = np.full(2, _STEP)
        moved = np.array([self.read(np.append(z[:2] + row, z[2:])) for row in np.diag(steps)])
        theta = self._whole(z)
        gradient, hessian = self.posterior.expansion(theta, seen, moved, (0, 1), steps)
        kept = self._without(np.arange(len(theta)))
        return gradient[kept], hessian[np.ix_(kept, kept)]

    def _whole(self, z: np.ndarray) -> np.ndarray:
        return np.concatenate([z[:2], self.x0, z[2:]])

    def _without(self, theta: np.ndarray) -> np.ndarray:
        """Without the origin, which a network is given."""
        return np.delete(theta, np.arange(2, 2 + len(self.x0)))


class _Value(torch.autograd.Function):
    """J with its hand-written derivatives by l and by the unconstrained thresholds."""

    @staticmethod
    def forward(ctx: Any, l: Tensor, nuisance: Tensor, goal: OutlineLevel) -> Tensor:
        thresholds, jacobian = from_unconstrained(
            nuisance.detach().double().numpy(), goal.inverse.threshold_bounds
        )
        posterior = goal.posterior
        levels, n = posterior.levels_of(thresholds), posterior.growth.stop
        value, by_l, by_levels = goal.derivative(l.detach().double().numpy(), levels)
        prior, known = posterior.prior.mean[n:], posterior.prior.precision[n:]
        value += 0.5 * float((levels - prior) ** 2 @ known)
        by_levels += known * (levels - prior)
        ctx.save_for_backward(
            torch.from_numpy(by_l), torch.from_numpy(by_levels @ jacobian[: len(levels)])
        )
        return torch.tensor(value, dtype=l.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        by_l, by_nuisance = ctx.saved_tensors
        return grad * by_l, grad * by_nuisance, None
