"""Lifts: what the network's output is added to, in logit space, l = a + t N.

Both satisfy the initial density exactly for every value of the unknowns.

* ``heat``: the diffusing seed with exponential growth; nothing of the growth's numerical solution:

      H = log h0 - d/2 log(1 + tau) - r0 r^2 / (1 + q tau) + rhoT t - log(1 - u0),   r = |x - x0|
      tau = 4 r0 DT Pbar t,     Pbar the mean of P in WT,     q the ease of the way from x0 to x

  where q = r^2 / s^2 and s is how far x would be, were all tissue of mobility Pbar (`ease`). In
  uniform tissue q = 1 and H is exact without saturation; at t = 0 it is the seed; ahead of the
  front it is -s^2 / (4 DT Pbar t), Varadhan's law for the tissue's own distance. With q = 1
  everywhere the network would have to find all that grey matter and fissures change.

* ``char``: the logit c of the finite-volume solution at the start theta_0
(`gbm.network_fit.start`),
  carried to other parameters as the heat field is,

      a(theta) = H(theta) + (1 + tau_0) / (1 + tau) (c - H(theta_0)):

  ahead of a front log u is minus a squared distance over 4 DT t (Varadhan), and the tissue changes
  the distance, not the law. At theta_0 this is c, whose time derivative is taken from the equation,
  so that the residual vanishes there with N = 0.

With both the network gets `tissue_distance` as an input: geometry of the tissue, not its growth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import cg, spsolve
from scipy.special import logsumexp

from bilo.inverse.point_jets import PointJets
from bilo.taylor.jets import Jet
from gbm.domain.domain import AXES
from gbm.growth.growth_map import GrowthMap, pairs
from gbm.growth.parameters import Growth, Seed, squared_distance
from gbm.network_fit.tabulated import summed, tabulated

Lift = Literal["char", "heat"]

FLOOR = -20.0
"""Logit below which a density counts as none."""
CLIP_BELOW, CLIP_ABOVE = 60.0, 12.0
"""Range of c - H: beyond, the density is tiny and its numerical logit means nothing."""
SLICES = 48
LEAST = 1e-12
"""Of the greatest value: what conjugate gradients know of the field behind `tissue_distance`."""
SOURCE_MM = 1.0
"""Standard deviation of the source of `tissue_distance`."""


@dataclass(frozen=True)
class SpreadingSeed(Seed):
    """A seed and the mean P that its diffusion sees."""

    mean_P: float = 1.0

    def tau(self, DT: float) -> float:
        """4 r0 DT Pbar: how many times its own squared width it has spread by t = 1."""
        return 4 * self.r0 * DT * self.mean_P


def heat(at: PointJets, seed: SpreadingSeed, DT: Jet | float, rhoT: Jet | float) -> Jet:
    """The ``heat`` field H of a seed; the points carry the ease ``q`` of their way from it."""
    t, d = at["t"], len(seed.x0)
    r2 = at.cached(
        "r2",
        lambda at: summed([(at[x] - float(c)) ** 2 for x, c in zip(AXES, seed.x0, strict=False)]),
    )
    initial = at.cached("log(1-u0)", lambda at: (1 - (r2 * -seed.r0).exp() * seed.h0).log())
    q = at.cached("ease", lambda at: tabulated(at, "q", torch.zeros_like(at.points.known["q"])))
    tau = t * DT * (4 * seed.r0 * seed.mean_P)
    spread = r2 * seed.r0 / (1 + q * tau)
    return math.log(seed.h0) - (1 + tau).log() * (d / 2) - spread + t * rhoT - initial


def heat_values(
    r2: np.ndarray, q: np.ndarray, t: float, seed: SpreadingSeed, growth: Growth
) -> np.ndarray:
    """H at squared distances r2 = |x - x0|^2 (mm^2) and eases q, at one time."""
    tau, d = seed.tau(growth.DT) * t, len(seed.x0)
    initial = np.log1p(-seed.h0 * np.exp(-seed.r0 * r2))
    spread = seed.r0 * r2 / (1 + q * tau)
    thinned = math.log(seed.h0) - d / 2 * math.log1p(tau)
    field: np.ndarray = thinned - spread + t * growth.rhoT - initial
    return field


def floored(a: Jet) -> Jet:
    """Smooth maximum of a logit and `FLOOR`."""
    return (a - FLOOR).softplus() + FLOOR


def clipped(u: np.ndarray, H: np.ndarray) -> np.ndarray:
    """Logit of a density, kept smoothly in a range around the heat field."""
    difference = np.log(np.maximum(u, 1e-300)) - np.log1p(-np.minimum(u, 1 - 1e-9)) - H
    clip = np.where(difference > 0, CLIP_ABOVE, CLIP_BELOW)
    eighth = np.square(np.square(np.square(difference / clip)))
    limited: np.ndarray = difference / np.sqrt(np.sqrt(np.sqrt(1 + eighth)))
    return H + limited


def tissue_distance(grid: GrowthMap, x0: np.ndarray, reach: float) -> np.ndarray:
    """How far the tissue makes a cell from x0 (mm): the heat method's distance in the metric 1 / P.

        phi v - reach^2 div(P phi grad v) = source at x0,        distance = -reach log(v / max v)

    (Varadhan 1967; Crane, Weischedel, Wardetzky 2013.) An elliptic problem of the tissue alone:
    nothing of the growth is in it.
    """
    cell = np.arange(grid.phi.size).reshape(grid.phi.shape)
    axes = range(grid.dimensions)
    lower, upper = zip(*(pairs(cell, k) for k in axes), strict=True)
    row, column = (np.concatenate([v.ravel() for v in ends]) for ends in (lower, upper))
    coupling = np.concatenate([face.ravel() for face in grid.faces]) * (reach / grid.h) ** 2
    flux = sparse.coo_matrix((coupling.astype(float), (row, column)), shape=(cell.size,) * 2)
    flux = (flux + flux.T).tocsr()
    diagonal = np.asarray(flux.sum(1)).ravel() + grid.phi.ravel()
    r2 = squared_distance(grid.axes, x0)
    source = (grid.phi * np.exp(-r2 / (2 * SOURCE_MM**2))).ravel()
    if grid.dimensions == 2:
        v = np.maximum(spsolve((sparse.diags(diagonal) - flux).tocsc(), source), 1e-300)
    else:
        v = _by_conjugate_gradients(flux, diagonal, source)
    distance: np.ndarray = -reach * np.log(v / v.max()).reshape(grid.phi.shape)
    return distance


def _by_conjugate_gradients(
    flux: sparse.csr_matrix, diagonal: np.ndarray, source: np.ndarray
) -> np.ndarray:
    """(diag - flux)^-1 source, scaled by its diagonal; known down to `LEAST` of the greatest."""
    scale = 1 / np.sqrt(diagonal)
    scaled = sparse.identity(scale.size) - sparse.diags(scale) @ flux @ sparse.diags(scale)
    v, left = cg(scaled, scale * source, rtol=1e-13, maxiter=2000)
    if left:
        raise ArithmeticError("the distance through the tissue was not found in 2000 iterations")
    v = scale * v
    return np.maximum(v, LEAST * v.max())


def uniform_distance(
    reach: float, P: float, furthest: float, dimensions: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """`tissue_distance` in uniform tissue of mobility P: radii r (mm) and its values, as a table.

    There v is a mixture of Gaussians: K_0(r / (reach sqrt(P))) smoothed by the source,

        v(r) = int_0^inf exp(-s) exp(-r^2 / 2w) w^(-d/2) ds,     w = SOURCE_MM^2 + 2 reach^2 P s.
    """
    s = np.geomspace(1e-6, 1e4, 4000)
    w = SOURCE_MM**2 + 2 * reach**2 * P * s
    r = np.concatenate([[0.0], np.geomspace(1e-2, furthest, 600)])
    weight = np.log(s) - dimensions / 2 * np.log(w) - s  # ds = s d(log s)
    log_v = logsumexp(weight - r[:, None] ** 2 / (2 * w), axis=1)
    return r, reach * (log_v[0] - log_v)


def ease(grid: GrowthMap, reach: float, seed: SpreadingSeed) -> tuple[np.ndarray, np.ndarray]:
    """r^2 = |x - x0|^2 (mm^2) and the ease of the way from the seed's x0 (mm) to each cell,

        q = (r^2 + 1 / r0) / (s^2 + 1 / r0):

    s is the radius at which uniform tissue of the mean mobility has the same `tissue_distance`, and
    the seed, as large as 1 / sqrt(r0), has no way behind it. Below 1 where grey matter or a wall is
    in the way, above 1 along white matter; P / Pbar in uniform tissue of another mobility P.
    """
    x0 = seed.x0
    r2 = squared_distance(grid.axes, x0)
    found = tissue_distance(grid, x0, reach)
    r, uniform = uniform_distance(reach, seed.mean_P, 2 * float(found.max()), grid.dimensions)
    s = np.interp(found, uniform, r)
    return r2, (r2 + 1 / seed.r0) / (s**2 + 1 / seed.r0)


def time_slices(DT: float, seed: SpreadingSeed, slices: int = SLICES) -> np.ndarray:
    """Times on [0, 1], half of their density uniform in t and half in log(1 + tau)."""
    t = np.linspace(0, 1, 4001)
    tau = seed.tau(DT) * t
    density = 0.5 * t + 0.5 * np.log1p(tau) / np.log1p(tau[-1])
    times = np.interp(np.linspace(0, 1, slices), density, t)
    times[0], times[-1] = 0.0, 1.0
    return times
