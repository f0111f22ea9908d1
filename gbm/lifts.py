"""Lifts: what the network's output is added to, in logit space, l = a + t N.

Both satisfy the initial density exactly for every value of the unknowns.

* `heat`: the diffusing seed with exponential growth, analytic, nothing of the finite-volume solution in it:

      a = log h0 - log(1 + tau) - r0 |x - x0|^2 / (1 + tau) + rhoT t - log(1 - u0),    tau = 4 r0 DT Pbar t

* `char`: logit of the finite-volume solution at the characteristic parameters, tabulated; its time derivative is
  taken from the equation, so that the residual vanishes there with N = 0. A moved origin shifts the initial
  density by the difference of two `heat` fields, floored so that both vanish together far away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bilo.frame import Frame
from bilo.jets import Jet
from gbm.finite_volume import GrowthMap, solve

FLOOR = -20.0
"""Logit below which a density counts as none."""


@dataclass(frozen=True)
class Seed:
    """Initial density h0 exp(-r0 |x - x0|^2), r0 in 1/mm^2, and the mean P that its diffusion sees."""

    h0: float
    r0: float
    mean_P: float


def heat(at: Frame, seed: Seed, x0: tuple[Jet | float, Jet | float], DT: Jet | float, rhoT: Jet | float) -> Jet:
    """The `heat` field of a seed at `x0` (mm)."""
    t, dx, dy = at["t"], at["x"] - x0[0], at["y"] - x0[1]
    r2 = dx * dx + dy * dy
    spread = 1 + t * DT * (4 * seed.r0 * seed.mean_P)
    u0 = (r2 * -seed.r0).exp() * seed.h0
    return math.log(seed.h0) - spread.log() - r2 * seed.r0 / spread + t * rhoT - (1 - u0).log()


def floored(a: Jet) -> Jet:
    """Smooth maximum of a logit and `FLOOR`."""
    return (a - FLOOR).softplus() + FLOOR


@dataclass(frozen=True)
class CharacteristicTable:
    """Logit of the finite-volume solution at the characteristic parameters, with its derivatives.

    Attributes
    ----------
    times : Tensor (K,)
        Slices, dense where the seed still spreads.
    a, a_t, a_x, a_y, a_xx, a_yy : Tensor (K, cells)
        At the cells that training uses; a_t by the equation.
    """

    times: Tensor
    values: dict[str, Tensor]

    @classmethod
    def solve(
        cls, grid: GrowthMap, cells: np.ndarray, coefficients: dict[str, np.ndarray],
        DT: float, rhoT: float, x0: np.ndarray, seed: Seed, slices: int = 48,
    ) -> CharacteristicTable:
        """Grow the tumour on `grid` and tabulate at flat cell indices `cells`."""
        times = time_slices(DT, seed, slices)
        u = solve(grid, DT, rhoT, x0, h0=seed.h0, r0=seed.r0, times=times)
        floor = 1 / (1 + math.exp(-FLOOR))
        names = ("a", "a_t", "a_x", "a_y", "a_xx", "a_yy")
        out = {name: np.empty((slices, len(cells)), np.float32) for name in names}
        c = coefficients
        for k in range(slices):
            a = np.log(u[k] + floor) - np.log1p(-np.minimum(u[k], 1 - 1e-9))
            p = np.pad(a, 1, mode="edge")
            h = grid.h
            d = {
                "a": a,
                "a_x": (p[2:, 1:-1] - p[:-2, 1:-1]) / (2 * h),
                "a_y": (p[1:-1, 2:] - p[1:-1, :-2]) / (2 * h),
                "a_xx": (p[2:, 1:-1] - 2 * a + p[:-2, 1:-1]) / h**2,
                "a_yy": (p[1:-1, 2:] - 2 * a + p[1:-1, :-2]) / h**2,
            }
            d = {name: v.ravel()[cells] for name, v in d.items()}
            s = 1 - 2 / (1 + np.exp(-d["a"]))
            d["a_t"] = rhoT + DT * (
                c["Px"] * (d["a_xx"] + s * d["a_x"] ** 2)
                + c["Py"] * (d["a_yy"] + s * d["a_y"] ** 2)
                + c["bx"] * d["a_x"]
                + c["by"] * d["a_y"]
            )
            for name in names:
                out[name][k] = d[name]
        return cls(
            torch.as_tensor(times, dtype=torch.float32), {k: torch.as_tensor(v) for k, v in out.items()}
        )

    def at(self, t: Tensor, cells: Tensor) -> dict[str, Tensor]:
        """All tabulated quantities at times (N,) and positions in the cell list (N,), linear in time."""
        k = torch.searchsorted(self.times, t.contiguous()).clamp(1, len(self.times) - 1)
        low, high = self.times[k - 1], self.times[k]
        w = (t - low) / (high - low)
        return {n: (1 - w) * v[k - 1, cells] + w * v[k, cells] for n, v in self.values.items()}


def time_slices(DT: float, seed: Seed, slices: int) -> np.ndarray:
    """Times on [0, 1], half of their density uniform in t and half in log(1 + tau)."""
    t = np.linspace(0, 1, 4001)
    tau = 4 * seed.r0 * DT * seed.mean_P * t
    density = 0.5 * t + 0.5 * np.log1p(tau) / np.log1p(tau[-1])
    times = np.interp(np.linspace(0, 1, slices), density, t)
    times[0], times[-1] = 0.0, 1.0
    return times
