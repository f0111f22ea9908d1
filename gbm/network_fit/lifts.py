"""Lifts: what the network's output is added to, in logit space, l = a + t N.

Both satisfy the initial density exactly for every value of the unknowns.

* ``heat``: the diffusing seed with exponential growth; nothing of the growth's numerical solution:

      H = log h0 - log(1 + tau) - r0 r^2 / (1 + q tau) + rhoT t - log(1 - u0),      r = |x - x0|
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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.special import logsumexp
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE
from gbm.growth.finite_volume import GrowthMap
from gbm.growth.parameters import Growth, Seed

Lift = Literal["char", "heat"]

FLOOR = -20.0
"""Logit below which a density counts as none."""
CLIP_BELOW, CLIP_ABOVE = 60.0, 12.0
"""Range of c - H: beyond, the density is tiny and its numerical logit means nothing."""
SLICES = 48
SOURCE_MM = 1.0
"""Standard deviation of the source of `tissue_distance`."""


@dataclass(frozen=True)
class SpreadingSeed(Seed):
    """A seed and the mean P that its diffusion sees."""

    mean_P: float = 1.0

    def tau(self, DT: float) -> float:
        """4 r0 DT Pbar: how many times its own squared width it has spread by t = 1."""
        return 4 * self.r0 * DT * self.mean_P


def heat(at: Frame, seed: SpreadingSeed, DT: Jet | float, rhoT: Jet | float) -> Jet:
    """The ``heat`` field H of a seed; the points carry the ease ``q`` of their way from it."""
    x0, y0 = (float(c) for c in seed.x0)
    t, dx, dy = at["t"], at["x"] - x0, at["y"] - y0
    r2 = at.memo("r2", lambda at: dx * dx + dy * dy)
    initial = at.memo("log(1-u0)", lambda at: (1 - (r2 * -seed.r0).exp() * seed.h0).log())
    q = at.memo("ease", lambda at: tabulated(at, "q", torch.zeros_like(at.points.known["q"])))
    tau = t * DT * (4 * seed.r0 * seed.mean_P)
    spread = r2 * seed.r0 / (1 + q * tau)
    return math.log(seed.h0) - (1 + tau).log() - spread + t * rhoT - initial


def heat_values(
    r2: np.ndarray, q: np.ndarray, t: float, seed: SpreadingSeed, growth: Growth
) -> np.ndarray:
    """H at squared distances r2 = |x - x0|^2 (mm^2) and eases q, at one time."""
    tau = seed.tau(growth.DT) * t
    initial = np.log1p(-seed.h0 * np.exp(-seed.r0 * r2))
    spread = seed.r0 * r2 / (1 + q * tau)
    field: np.ndarray = math.log(seed.h0) - math.log1p(tau) - spread + t * growth.rhoT - initial
    return field


def floored(a: Jet) -> Jet:
    """Smooth maximum of a logit and `FLOOR`."""
    return (a - FLOOR).softplus() + FLOOR


@dataclass(frozen=True)
class CharacteristicTable:
    """Logit of the finite-volume solution at the start, with derivatives.

    Attributes
    ----------
    times : Tensor (K,)
        Slices, dense where the seed still spreads.
    values : dict of Tensor (K, cells)
        a, a_x, a_y, a_xx, a_yy by `derivatives`, a_t by the equation.
    """

    times: Tensor
    values: dict[str, Tensor]

    @classmethod
    def of(
        cls,
        grid: GrowthMap,
        times: np.ndarray,
        u: np.ndarray,
        cells: np.ndarray,
        fields: Sequence[np.ndarray],
        growth: Growth,
    ) -> CharacteristicTable:
        """Tabulate the solution u (K, nx, ny) at flat cell indices.

        `fields` are the heat fields H (nx, ny) at the same times.
        """
        c = {k: v.ravel()[cells] for k, v in coefficients(grid).items()}
        rows = []
        for density, H in zip(u, fields, strict=True):
            d = derivatives("a", clipped(density, H), cells, grid.h, c)
            rows.append(_with_rate(d, c, growth))
        values = {k: torch.stack([row[k] for row in rows]) for k in rows[0]}
        return cls(torch.as_tensor(times).float(), values)

    @property
    def cells(self) -> int:
        """Number of tabulated cells."""
        return int(self.values["a"].shape[1])

    def slice_after(self, t: Tensor) -> Tensor:
        """Index of the first slice not before t (N,)."""
        return torch.searchsorted(self.times, t.contiguous()).clamp(max=len(self.times) - 1)

    def at(self, t: Tensor, cells: Tensor) -> dict[str, Tensor]:
        """All tabulated quantities at times (N,) and cells (N,), linear in time."""
        k = self.slice_after(t).clamp(min=1)
        low, high = self.times[k - 1], self.times[k]
        w = (t - low) / (high - low)
        return {n: (1 - w) * v[k - 1, cells] + w * v[k, cells] for n, v in self.values.items()}

    def jet(self, at: Frame) -> Jet:
        """The tabulated logit as a jet; the points must carry the table's quantities."""
        return tabulated(at, "a", at.points.known.get("a_t"))


def tabulated(at: Frame, name: str, rate: Tensor | None) -> Jet:
    """The jet of a field that the points carry with its `derivatives`, and its time derivative.

    Where only values are asked for, only the value need be there.
    """
    known = at.points.known
    if at.streams is VALUE:
        return Jet.known(known[name])
    assert rate is not None
    first = {"t": rate, "x": known[f"{name}_x"], "y": known[f"{name}_y"]}
    second = {("x", "x"): known[f"{name}_xx"], ("y", "y"): known[f"{name}_yy"]}
    return Jet.tabulated(known[name], first, second, at.streams)


def clipped(u: np.ndarray, H: np.ndarray) -> np.ndarray:
    """Logit of a density, kept smoothly in a range around the heat field."""
    difference = np.log(np.maximum(u, 1e-300)) - np.log1p(-np.minimum(u, 1 - 1e-9)) - H
    clip = np.where(difference > 0, CLIP_ABOVE, CLIP_BELOW)
    limited: np.ndarray = difference / (1 + (difference / clip) ** 8) ** 0.125
    return H + limited


def tissue_distance(grid: GrowthMap, x0: np.ndarray, reach: float) -> np.ndarray:
    """How far the tissue makes a cell from x0 (mm): the heat method's distance in the metric 1 / P.

        phi v - reach^2 div(P phi grad v) = source at x0,        distance = -reach log(v / max v)

    (Varadhan 1967; Crane, Weischedel, Wardetzky 2013.) An elliptic problem of the tissue alone:
    nothing of the growth is in it.
    """
    nx, ny = grid.phi.shape
    cell = np.arange(nx * ny).reshape(nx, ny)
    pairs = [(cell[:-1], cell[1:], grid.face_x), (cell[:, :-1], cell[:, 1:], grid.face_y)]
    row = np.concatenate([a.ravel() for a, _, _ in pairs])
    column = np.concatenate([b.ravel() for _, b, _ in pairs])
    coupling = np.concatenate([w.ravel() for _, _, w in pairs]) * (reach / grid.h) ** 2
    size = nx * ny
    flux = sparse.coo_matrix((coupling, (row, column)), shape=(size, size)).tocsr()
    flux = flux + flux.T
    balance = sparse.diags(np.asarray(flux.sum(1)).ravel() + grid.phi.ravel()) - flux
    r2 = (grid.x[:, None] - x0[0]) ** 2 + (grid.y[None, :] - x0[1]) ** 2
    source = (grid.phi * np.exp(-r2 / (2 * SOURCE_MM**2))).ravel()
    v = np.maximum(spsolve(balance.tocsc(), source), 1e-300)
    distance: np.ndarray = -reach * np.log(v / v.max()).reshape(nx, ny)
    return distance


def uniform_distance(reach: float, P: float, furthest: float) -> tuple[np.ndarray, np.ndarray]:
    """`tissue_distance` in uniform tissue of mobility P: radii r (mm) and its values, as a table.

    There v is a mixture of Gaussians: K_0(r / (reach sqrt(P))) smoothed by the source,

        v(r) = int_0^inf exp(-s) exp(-r^2 / 2w) / w ds,     w = SOURCE_MM^2 + 2 reach^2 P s.
    """
    s = np.geomspace(1e-6, 1e4, 4000)
    w = SOURCE_MM**2 + 2 * reach**2 * P * s
    r = np.concatenate([[0.0], np.geomspace(1e-2, furthest, 600)])
    log_v = logsumexp(np.log(s / w) - s - r[:, None] ** 2 / (2 * w), axis=1)  # ds = s d(log s)
    return r, reach * (log_v[0] - log_v)


def ease(grid: GrowthMap, reach: float, seed: SpreadingSeed) -> tuple[np.ndarray, np.ndarray]:
    """r^2 = |x - x0|^2 (mm^2) and the ease of the way from the seed's x0 (mm) to each cell,

        q = (r^2 + 1 / r0) / (s^2 + 1 / r0):

    s is the radius at which uniform tissue of the mean mobility has the same `tissue_distance`, and
    the seed, as large as 1 / sqrt(r0), has no way behind it. Below 1 where grey matter or a wall is
    in the way, above 1 along white matter; P / Pbar in uniform tissue of another mobility P.
    """
    x0 = seed.x0
    r2 = (grid.x[:, None] - x0[0]) ** 2 + (grid.y[None, :] - x0[1]) ** 2
    found = tissue_distance(grid, x0, reach)
    r, uniform = uniform_distance(reach, seed.mean_P, 2 * float(found.max()))
    s = np.interp(found, uniform, r)
    return r2, (r2 + 1 / seed.r0) / (s**2 + 1 / seed.r0)


def derivatives(
    name: str, a: np.ndarray, cells: np.ndarray, h: float, c: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """A field `name` on the grid with its derivatives ``name_x``, .. at some cells.

    With w the share of the upper face in P phi and d+, d- the differences across the faces,

        a_x = (w d+ + (1 - w) d-) / h,        a_xx = 4 w (1 - w) (d+ - d-) / h^2:

    P a_xx + b a_x is then the finite-volume flux balance, P a_x the mean flux, and nothing is seen
    through a wall of the tissue.
    """
    rise_x, rise_y = np.diff(a, axis=0), np.diff(a, axis=1)
    d = {name: a.ravel()[cells]}
    for along, rise, axis in (("x", rise_x, 0), ("y", rise_y, 1)):
        above = np.pad(rise, [(0, int(axis == k)) for k in (0, 1)]).ravel()[cells]
        below = np.pad(rise, [(int(axis == k), 0) for k in (0, 1)]).ravel()[cells]
        w = c[f"w{along}"]
        d[f"{name}_{along}"] = (w * above + (1 - w) * below) / h
        d[f"{name}_{along}{along}"] = 4 * w * (1 - w) * (above - below) / h**2
    return d


def _with_rate(
    d: dict[str, np.ndarray], c: dict[str, np.ndarray], growth: Growth
) -> dict[str, Tensor]:
    """The derivatives of a logit with a_t by the equation."""
    s = -np.tanh(d["a"] / 2)  # 1 - 2u
    x = c["Px"] * (d["a_xx"] + s * d["a_x"] ** 2) + c["bx"] * d["a_x"]
    y = c["Py"] * (d["a_yy"] + s * d["a_y"] ** 2) + c["by"] * d["a_y"]
    d = {**d, "a_t": growth.rhoT + growth.DT * (x + y)}
    return {k: torch.as_tensor(v).float() for k, v in d.items()}


def coefficients(grid: GrowthMap) -> dict[str, np.ndarray]:
    """P, b = grad(P phi) / phi and the upper face's share w, by direction, at the cells.

    No flux at the outer box.
    """
    fx = np.pad(grid.face_x, ((1, 1), (0, 0)))
    fy = np.pad(grid.face_y, ((0, 0), (1, 1)))
    return {
        "wx": fx[1:] / (fx[1:] + fx[:-1] + 1e-30),
        "wy": fy[:, 1:] / (fy[:, 1:] + fy[:, :-1] + 1e-30),
        "Px": (fx[1:] + fx[:-1]) / (2 * grid.phi),
        "Py": (fy[:, 1:] + fy[:, :-1]) / (2 * grid.phi),
        "bx": (fx[1:] - fx[:-1]) / (grid.h * grid.phi),
        "by": (fy[:, 1:] - fy[:, :-1]) / (grid.h * grid.phi),
    }


def time_slices(DT: float, seed: SpreadingSeed, slices: int = SLICES) -> np.ndarray:
    """Times on [0, 1], half of their density uniform in t and half in log(1 + tau)."""
    t = np.linspace(0, 1, 4001)
    tau = seed.tau(DT) * t
    density = 0.5 * t + 0.5 * np.log1p(tau) / np.log1p(tau[-1])
    times = np.interp(np.linspace(0, 1, slices), density, t)
    times[0], times[-1] = 0.0, 1.0
    return times
