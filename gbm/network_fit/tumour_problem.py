"""The tumour as an inverse problem for `bilo`: Fisher-KPP growth on a patient's tissue, as a logit.

    phi u_t = div(rD DT P phi grad u) + rRHO rhoT phi u (1 - u),    u(x, 0) = h0 exp(-r0 |x - x0|^2)

with DT (mm^2) and rhoT those of the start, t in units of T, x in mm. With
u = 1 / (1 + exp(-l)) and b = grad(P phi) / phi,

    l_t = rD DT [ P (lap l + (1 - 2u) |grad l|^2) + b . grad l ] + rRHO rhoT.

P and b are those of the finite-volume faces, direction by direction, at the cells of the network's
grid: it then solves the equation that it is verified with. One code for a slice and a volume.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy.special import logit
from torch import Tensor

from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator
from gbm.domain.domain import AXES, Domain
from gbm.growth.characteristic import GROWTH_BOUNDS
from gbm.growth.grids import Grids
from gbm.growth.growth_map import cell_axes
from gbm.growth.parameters import Growth, Seed
from gbm.network_fit.lifts import Lift, SpreadingSeed, floored, heat
from gbm.network_fit.start import NetworkStart
from gbm.network_fit.start_field import SHARP_REACH, StartField
from gbm.network_fit.tabulated import summed, tabulated
from gbm.network_fit.walls import TISSUE, behind, share

SEEN = 0.01
"""Density that no imaging threshold comes near."""
CONCENTRATED = 0.6
"""Part of the points that lies where the start's solution is; the rest is uniform."""
POOL = 4096


class TumourProblem(Problem):
    """Growth in one patient's tissue, unknown factors rD and rRHO on the start's values.

    Parameters
    ----------
    domain : Domain
    start : NetworkStart
        DT and rhoT at which the network is pretrained and the lift is made: rD = rRHO = 1.
    seed : Seed
        The initial density, with its origin.
    lift : {"char", "heat"}
        See `gbm.network_fit.lifts`.
    bounds : mapping
        Of lambda_mm and rhoT.
    grids : Grids
        Cells behind the residual, and those of the objective; by default those of the dimension.
    """

    name = "tumour"
    huber_delta = 0.02
    """In units of the clock: cells at walls of the tissue, which no smooth N resolves, stay few."""
    untested = ("equation", "seen")
    """The finite-volume verification judges a fit: residuals at walls stay large where u is right,
    and a spread that the outlines leave open is a matter of the posterior."""
    unknowns = (
        Scalar("rD", 1.0, (1e-3, 1e3), log=True),
        Scalar("rRHO", 1.0, (1e-2, 1e2), log=True),
    )

    def __init__(
        self,
        domain: Domain,
        start: NetworkStart,
        seed: Seed,
        lift: Lift = "char",
        *,
        bounds: Mapping[str, tuple[float, float]] = GROWTH_BOUNDS,
        grids: Grids | None = None,
    ) -> None:
        self.axes = AXES[: domain.dimensions]
        self.coordinates, self.derivatives = ("t", *self.axes), self.axes
        self.fourier_coordinates = domain.dimensions
        self.growth = Growth(start.DT, start.rhoT)
        self.lift, self.bounds, self.key = lift, bounds, ""
        self.seed = SpreadingSeed(seed.x0, seed.h0, seed.r0, float(domain.P[domain.WT].mean()))
        self.length = float(domain.numbers["radius_WT_mm"])
        self.grids = grids or Grids.of(domain.dimensions)
        self._places = cell_axes(domain.axes, self.grids.objective)
        self.surroundings = made = StartField.of(domain, start, self.seed, self.grids)
        self.inside, self.table, self._known = made.inside, made.table, made.known
        first = torch.sigmoid(self.table.logit).float()
        self._largest = first.max(1).values
        self._pool = _pool(first / self._largest[:, None])

    def identity(self) -> str:
        """The key of its fit, which covers all that it is made of."""
        return self.key

    # --- the equation ----------------------------------------------------------------------------
    def principal(self, at: PointJets) -> Operator:
        """M l = l_t - rD DT (Px l_xx + Py l_yy + ..)."""
        D = at["rD"] * -self.growth.DT
        second = tuple((x, x, (D * at[f"P{x}"]).weight) for x in self.axes)
        return Operator("M", drift=(("t", 1.0),), diffusion=second)

    def transform(self, N: Jet, at: PointJets) -> Jet:
        """l = a + c(t) N with the lift a, c(0) = 0: the initial density is exact.

        c = (t + log(1 + tau_0) / log(1 + tau_0(1))) / 2 runs fast while the seed spreads, so that N
        stays of order one.
        """
        return at.cached("lift", self._lift) + N * at.cached("clock", self._clock)

    def _clock(self, at: PointJets) -> Jet:
        return 0.5 * at["t"] + self._slow(at) * (0.5 / math.log1p(self.spread))

    def _slow(self, at: PointJets) -> Jet:
        """log(1 + tau_0), the clock of the spreading seed."""
        return at.cached("log(1+tau)", lambda at: (1 + at["t"] * self.spread).log())

    def _lift(self, at: PointJets) -> Jet:
        DT, rhoT = at["rD"] * self.growth.DT, at["rRHO"] * self.growth.rhoT
        moving = heat(at, self.seed, DT, rhoT)
        if self.lift == "heat":
            return moving
        return moving + at.cached("carried", self._carried)

    def _carried(self, at: PointJets) -> Jet:
        """(1 + tau_0) / (1 + tau) (c - H(theta_0)): what the start knows of the tissue."""
        t = at["t"]
        fixed = heat(at, self.seed, self.growth.DT, self.growth.rhoT)
        shrink = (1 + t * self.spread) / (1 + t * at["rD"] * self.spread)
        return shrink * (self.table.jet(at) - fixed)

    def residual(self, l: Jet, at: PointJets) -> Jet:
        """M l - rD DT [(1 - 2u)(Px l_x^2 + Py l_y^2 + ..) + b . grad l] - rRHO rhoT."""
        slopes = {x: l.d(x) for x in self.axes}
        s = 1 - 2 * l.d("1").sigmoid()
        steep = summed([at[f"P{x}"] * lx * lx for x, lx in slopes.items()])
        flux = s * steep + summed([at[f"b{x}"] * lx for x, lx in slopes.items()])
        return at.apply(l) - at["rD"] * self.growth.DT * flux - at["rRHO"] * self.growth.rhoT

    def weight(self, l: Jet, at: PointJets) -> Tensor:
        """(rho^(1/4) + rho) / clock^2, with rho = max(u_start, u) / max_x u_start(t).

        Fronts are pulled, so their tails must count; the mass is in the core, so it must count too.
        The clock, rRHO rhoT + d/2 (log(1 + tau))_t in d dimensions, is the rate at which anything
        happens at all: a residual of one clock unit is an error of order one in l.
        """
        known = at.points.known
        u = torch.maximum(torch.sigmoid(l.value.detach()), torch.sigmoid(known["a"]))
        relative = (u / known["largest"]).clamp(max=1.0)
        t, s = at.points.coordinates["t"], at["rD"].value.detach() * self.spread
        thinning = len(self.axes) / 2 * s / (1 + s * t)
        clock = at["rRHO"].value.detach() * self.growth.rhoT + thinning
        weight: Tensor = (relative**0.25 + relative) / clock**2
        return weight

    def project(self, params: Tensor) -> Tensor:
        """Into the bounds of rho T and lambda = sqrt(DT / rhoT)."""
        low, high = np.log(self.bounds["rhoT"])
        growth = (params[1] + math.log(self.growth.rhoT)).clamp(low, high)
        low, high = np.log(self.bounds["lambda_mm"])
        twice = (params[0] + math.log(self.growth.DT) - growth).clamp(2 * low, 2 * high)
        ln_DT, ln_rhoT = math.log(self.growth.DT), math.log(self.growth.rhoT)
        return torch.stack([twice + growth - ln_DT, growth - ln_rhoT])

    def pretraining_target(self, points: Points) -> Tensor:
        """Logit of the finite-volume solution at the start."""
        return points.known["a"]

    def pretraining_weight(self, known: Tensor, points: Points) -> Tensor:
        """Logits are weighted like the residual."""
        return (torch.sigmoid(known) / points.known["largest"]).clamp(max=1.0) ** 0.25

    # --- network inputs and points ---------------------------------------------------------------
    @property
    def spread(self) -> float:
        """Tau at t = 1: how many times its own squared width the seed has spread."""
        return self.seed.tau(self.growth.DT)

    def features(self, at: PointJets) -> list[Jet]:
        """(x - x0) / L, .., two clocks, the distance through the tissue, and the lift."""
        slow = self._slow(at) * (2 / math.log1p(self.spread)) - 1
        own = [
            (at[x] - float(c)) / self.length for x, c in zip(self.axes, self.seed.x0, strict=True)
        ]
        own += [at["t"] * 2 - 1, slow, at.cached("distance", self._tissue)]
        if self.lift == "heat":
            return own
        lift = at.cached("lift", self._lift)
        return [*own, floored(lift) * 0.125 + 1.0, at.cached("carried", self._carried) * 0.2]

    def _tissue(self, at: PointJets) -> Jet:
        """Distance through the tissue, in units of L."""
        return tabulated(at, "d", torch.zeros_like(at.points.known["d"]))

    def feature_count(self) -> int:
        """x, .., two clocks, the distance; and what the ``char`` lift knows of the tissue."""
        return len(self.axes) + (3 if self.lift == "heat" else 5)

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """Cells at continuous times, half of them uniform in t and half in log(1 + tau)."""
        n = n or POOL
        t = torch.rand(n, generator=generator)
        late = n // 2
        t[late:] = torch.expm1(t[late:] * math.log1p(self.spread)) / self.spread
        t = t[torch.randperm(n, generator=generator)]
        near = int(CONCENTRATED * n)
        pick = torch.randint(POOL, (near,), generator=generator)
        drawn = self._pool[self.table.slice_after(t[:near]), pick]
        anywhere = torch.randint(self.table.cells, (n - near,), generator=generator)
        return self.at(t, torch.cat([drawn, anywhere]))

    def at(self, t: Tensor, cells: Tensor) -> Points:
        """Points at times (N,) and positions (N,) in the list of the inside cells."""
        known = {k: v[cells] for k, v in self._known.items()}
        places = {x: known.pop(x) for x in self.axes}
        known |= self.table.at(t, cells)
        known["largest"] = self._largest[self.table.slice_after(t)]
        return Points({"t": t, **places}, known)

    def snapshot(self, t: float) -> Points:
        """All inside cells at one time."""
        cells = torch.arange(self.table.cells)
        return self.at(torch.full((self.table.cells,), float(t)), cells)

    def voxels(self) -> tuple[Points, np.ndarray]:
        """The objective's cells at t = 1 that may show, and their flat indices.

        Left out is what stays below `SEEN` at the start, and with `WIDER` times its diffusivity.
        """
        index = np.flatnonzero(self.present & (self.surroundings.greatest > SEEN))
        return self.cells(index), index

    @property
    def present(self) -> np.ndarray:
        """Which cells of the objective hold any where the equation is learned."""
        found: np.ndarray = self.surroundings.observed(self.inside.astype(float)) > 0
        return found

    def cells(self, index: np.ndarray) -> Points:
        """Cells of the objective (flat indices) at t = 1.

        The lift is the logit of a cell's mean density, N is that of its centre: it varies little.
        """
        seen = self.surroundings
        places = np.stack(np.meshgrid(*self._places, indexing="ij"))
        at = torch.as_tensor(places.reshape(len(self.axes), -1)[:, index])
        a = torch.as_tensor(logit(np.clip(seen.final.ravel()[index], 1e-9, 1 - 1e-9)))
        known = {"a": a}
        known |= {k: torch.as_tensor(v.ravel()[index]) for k, v in seen.on_objective.items()}
        coordinates = dict(zip(self.axes, at, strict=True))
        return Points({"t": torch.ones_like(a), **coordinates}, known)

    def behind_walls(self, u: np.ndarray) -> float:
        """Relative L2 norm of a density on the objective's cells that is `behind` the walls."""
        seen = self.surroundings
        cells = behind(seen.grid, SHARP_REACH * self.length, self.seed)
        there = seen.observed(cells.astype(float)) > TISSUE
        return share(u, seen.observed(seen.grid.phi), there)

    def to_voxels(self, u: Tensor) -> np.ndarray:
        """Means over the inside cells of values (cells,) on each cell of the objective, or 0."""
        full = np.zeros(self.inside.shape)
        full[self.inside] = u.double().cpu().numpy()
        present = self.surroundings.observed(self.inside.astype(float))
        mean: np.ndarray = self.surroundings.observed(full) / np.where(present > 0, present, 1.0)
        return mean


def _pool(relative: Tensor) -> Tensor:
    """For every time slice, cells drawn with probability ~ sqrt(u / max u)."""
    generator = torch.Generator().manual_seed(0)
    return torch.multinomial(relative.sqrt() + 1e-6, POOL, replacement=True, generator=generator)
