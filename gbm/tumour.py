"""The tumour as an inverse problem for `bilo`: Fisher-KPP growth on a patient's tissue, in logit form.

    phi u_t = div(rD DT P phi grad u) + rRHO rhoT phi u (1 - u),        u(x, 0) = h0 exp(-r0 |x - x0|^2)

with DT, rhoT the characteristic parameters (mm^2, -), t in units of T, x in mm. With u = 1 / (1 + exp(-l)), and the
faces of the finite-volume grid giving P phi its direction-wise means,

    l_t = rD DT [ P (lap l + (1 - 2u) |grad l|^2) + b . grad l ] + rRHO rhoT,      b = grad(P phi) / phi.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bilo.frame import Frame
from bilo.jets import Jet
from bilo.points import Points
from bilo.problem import Problem, Unknown
from bilo.streams import Operator
from gbm.characteristic import Characteristic
from gbm.domain import Domain
from gbm.finite_volume import GrowthMap, coarsen, solve
from gbm.lifts import CharacteristicTable, Seed, floored, heat, time_slices

ORIGIN_SCALE_MM = 10.0
TISSUE = 0.02
"""Least phi of a residual point: the error is weighted by phi, and outside tissue there is nothing to learn."""


class Tumour(Problem):
    """Growth on one patient's slice; unknowns rD, rRHO and, if inferred, the origin's shift in mm."""

    name = "tumour"
    coordinates = ("t", "x", "y")
    fourier_coordinates = 2

    def __init__(
        self, domain: Domain, characteristic: Characteristic, *, lift: Literal["char", "heat"],
        infer_origin: bool, h0: float, r0: float, bounds: dict[str, tuple[float, float]], refine: int = 2,
        origin: np.ndarray | None = None, weight_exponent: float = 0.25, shift: bool = True,
    ) -> None:
        self.domain, self.lift, self.bounds = domain, lift, bounds
        self.DT, self.rhoT = characteristic.DT, characteristic.rhoT
        self.origin = np.asarray(domain.x0 if origin is None else origin, float)
        self.weight_exponent = weight_exponent
        self.shift = shift
        shift = (Unknown("dx", 0.0, (-30.0, 30.0), scale=ORIGIN_SCALE_MM), Unknown("dy", 0.0, (-30.0, 30.0), scale=ORIGIN_SCALE_MM))
        self.unknowns = (
            Unknown("rD", 1.0, (1e-2, 1e2), log=True),
            Unknown("rRHO", 1.0, (1e-2, 1e2), log=True),
            *(shift if infer_origin else ()),
        )
        self.infer_origin = infer_origin
        self.seed = Seed(h0, r0, float(domain.P[domain.WT].mean()))
        self.grid = GrowthMap.of(domain, refine)
        self.refine = refine
        self._prepare()

    def _prepare(self) -> None:
        g = self.grid
        u1 = solve(g, self.DT, self.rhoT, self.origin, h0=self.seed.h0, r0=self.seed.r0)[0]
        X, Y = np.meshgrid(g.x, g.y, indexing="ij")
        r = np.hypot(X - self.origin[0], Y - self.origin[1])
        self.radius = float(r[g.phi * u1 > 2e-3].max()) + 8.0
        inside = (g.phi > TISSUE) & (r < self.radius)
        self.cells = np.flatnonzero(inside)
        c = _coefficients(g)
        self.coefficients = {k: v.ravel()[self.cells] for k, v in c.items()}
        self.table = CharacteristicTable.solve(
            g, self.cells, self.coefficients, self.DT, self.rhoT, self.origin, self.seed
        )
        self.length = float(np.sqrt(self.domain.WT.sum() / np.pi))
        f = lambda v: torch.as_tensor(np.ascontiguousarray(v), dtype=torch.float32)
        self._known = {k: f(v) for k, v in self.coefficients.items()}
        self._x, self._y = f(X.ravel()[self.cells]), f(Y.ravel()[self.cells])
        u = torch.sigmoid(self.table.values["a"])
        self._umax = u.max(1).values
        self._pool = _pool(u / self._umax[:, None], 4096)

    # --- the equation -------------------------------------------------------------------------------------
    def principal(self, at: Frame) -> Operator:
        """M l = l_t - rD DT (Px l_xx + Py l_yy)."""
        D = at["rD"] * -self.DT
        terms = (("x", "x", (D * at["Px"]).weight), ("y", "y", (D * at["Py"]).weight))
        return Operator("M", drift=(("t", 1.0),), diffusion=terms)

    def origin_of(self, at: Frame) -> tuple[Jet | float, Jet | float]:
        if not self.infer_origin:
            return float(self.origin[0]), float(self.origin[1])
        return at["dx"] + float(self.origin[0]), at["dy"] + float(self.origin[1])

    def transform(self, N: Jet, at: Frame) -> Jet:
        """l = a + t N with the chosen lift a."""
        x0 = self.origin_of(at)
        if self.lift == "heat":
            a = heat(at, self.seed, x0, at["rD"] * self.DT, at["rRHO"] * self.rhoT)
        else:
            k = at.points.known
            first = {"t": k["a_t"], "x": k["a_x"], "y": k["a_y"]} if "a_t" in k else {}
            second = {("x", "x"): k["a_xx"], ("y", "y"): k["a_yy"]} if "a_t" in k else {}
            a = Jet.tabulated(k["a"], first, second, at.streams)
            if self.infer_origin or self.shift:
                c = (float(self.origin[0]), float(self.origin[1]))
                D, rho = (at["rD"] * self.DT, at["rRHO"] * self.rhoT) if self.shift else (self.DT, self.rhoT)
                moved = floored(heat(at, self.seed, x0, D, rho))
                a = a + moved - floored(heat(at, self.seed, c, self.DT, self.rhoT))
        return a + N * at["t"]

    def residual(self, l: Jet, at: Frame) -> Jet:
        """M l - rD DT [(1 - 2u)(Px l_x^2 + Py l_y^2) + b . grad l] - rRHO rhoT."""
        lx, ly = l.d("x"), l.d("y")
        s = 1 - 2 * l.d("1").sigmoid()
        flux = s * (at["Px"] * lx * lx + at["Py"] * ly * ly) + at["bx"] * lx + at["by"] * ly
        return at.apply(l) - at["rD"] * self.DT * flux - at["rRHO"] * self.rhoT

    derivatives = ("x", "y")

    def weight(self, l: Jet, at: Frame) -> Tensor:
        k = at.points.known
        u = torch.maximum(torch.sigmoid(l.value), torch.sigmoid(k["a"]))
        return (u / k["umax"]).clamp(max=1.0) ** self.weight_exponent / self.rhoT**2

    # --- network inputs and points ------------------------------------------------------------------------
    def features(self, at: Frame) -> list[Jet]:
        """(x - x0) / L, t and log(1 + tau)."""
        x0, y0 = self.origin_of(at)
        t = at["t"]
        tau = 4 * self.seed.r0 * self.DT * self.seed.mean_P
        return [
            (at["x"] - x0) / self.length, (at["y"] - y0) / self.length,
            t * 2 - 1, (1 + t * tau).log() * (2 / math.log1p(tau)) - 1,
        ]

    def feature_count(self) -> int:
        return 4

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        n = n or 4096
        half = n // 2
        t = torch.rand(n, generator=generator)
        tau = 4 * self.seed.r0 * self.DT * self.seed.mean_P
        t[half:] = torch.expm1(t[half:] * math.log1p(tau)) / tau
        t = t[torch.randperm(n, generator=generator)]
        near = int(0.6 * n)
        k = torch.searchsorted(self.table.times, t[:near].contiguous()).clamp(max=len(self.table.times) - 1)
        pick = torch.randint(self._pool.shape[1], (near,), generator=generator)
        cells = torch.cat([self._pool[k, pick], torch.randint(len(self.cells), (n - near,), generator=generator)])
        return self.points(t, cells)

    def points(self, t: Tensor, cells: Tensor) -> Points:
        known = {k: v[cells] for k, v in self._known.items()}
        known |= self.table.at(t, cells)
        k = torch.searchsorted(self.table.times, t.contiguous()).clamp(max=len(self.table.times) - 1)
        known["umax"] = self._umax[k]
        return Points({"t": t, "x": self._x[cells], "y": self._y[cells]}, known)


def _coefficients(g: GrowthMap) -> dict[str, np.ndarray]:
    """Px, Py and b of the finite-volume operator as a differential one, by cells; no flux at the outer box."""
    fx = np.pad(g.face_x, ((1, 1), (0, 0)))
    fy = np.pad(g.face_y, ((0, 0), (1, 1)))
    return {
        "Px": (fx[1:] + fx[:-1]) / (2 * g.phi), "Py": (fy[:, 1:] + fy[:, :-1]) / (2 * g.phi),
        "bx": (fx[1:] - fx[:-1]) / (g.h * g.phi), "by": (fy[:, 1:] - fy[:, :-1]) / (g.h * g.phi),
    }


def _pool(relative: Tensor, size: int) -> Tensor:
    """For every time slice, `size` cells drawn with probability ~ sqrt(u / umax)."""
    p = relative.sqrt() + 1e-6
    g = torch.Generator().manual_seed(0)
    return torch.multinomial(p, size, replacement=True, generator=g)
