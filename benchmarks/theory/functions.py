"""The gradient of the data term by an unknown function: local shift, directions, and the exact one.

Along a fit of recipe `varpro` three gradients by the values of the function are compared,

    exact          by the adjoint of the discretised problem,
    directions     (T phi)^T dL/du,       T phi the operator's response to a change phi,
    local shift    dL/df(y) = (T 1) dL/du at the place y where the function acts on a datum,

in L2, projected on modes that the function's network can follow. The local shift is what recipes
`fast`, `lm` and `paper` descend where their lower level is solved: the operator's input z knows
the response to a shift of the whole function alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.theory.exact import NodalGradient, exact_gradient
from bilo.inverse.cells import on_cells
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.directions import Waves, started_as_basis
from bilo.inverse.function import Function
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.points import EXACT
from bilo.inverse.problem import Problem
from bilo.lower.galerkin import Galerkin, Quadrature, states_weak_form
from bilo.lower.trunk import start_trunk, tiling, untuned
from bilo.methods._in_directions import ASKED, MODES, START
from bilo.problems import get
from bilo.problems.source import confined
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE
from bilo.upper.directions import FIRST_MU, DirectionsLevel, Place
from bilo.upper.weak_level import WeakLevel, WeakPlace

TENTH = 10.0
"""`end` is the last step whose data gradient is so many times that at the answer; where none is,
the fit came to no answer, and the last step of all."""
Modes = Callable[[CoordinateJets], list[Jet]]
"""at -> jets of the functions in whose directions gradients are compared."""
DEPENDENT = 1e-10
"""Part of the largest eigenvalue of the modes' products below which a combination is none."""


@dataclass(frozen=True)
class Fit:
    """How a problem is fitted here.

    Attributes
    ----------
    modes : Modes
    noise, w_reg : float
    steps : int
        Most steps of the unknowns.
    width, layers : int
        Of the trunk.
    points : int
        Of the residual.
    """

    modes: Modes
    noise: float = 0.0
    w_reg: float = 0.0
    steps: int = 12
    width: int = 128
    layers: int = 2
    points: int = 384


def sines(at: CoordinateJets) -> list[Jet]:
    """sin(m pi x), m = 1 .. 20."""
    return [(at["x"] * (m * torch.pi)).sin() for m in range(1, 21)]


def cosines(at: CoordinateJets) -> list[Jet]:
    """cos(i pi x) cos(j pi y), i, j = 0 .. 7."""
    return _products(at["x"], at["y"])


def confined_cosines(at: CoordinateJets) -> list[Jet]:
    """Those of the square about the disc, as the network's output has them."""
    parts = get("source").functions[0].domain.relative({"x": at["x"], "y": at["y"]})
    return [confined(phi, at) for phi in _products(parts["x"], parts["y"])]


def _products(x: Jet, y: Jet) -> list[Jet]:
    along = [[(c * (m * torch.pi)).cos() for m in range(8)] for c in (x, y)]
    return [a * b for a in along[0] for b in along[1]]


FITS = {
    "poisson": Fit(sines, noise=1e-2, w_reg=1e-4),
    "heat": Fit(sines, width=400, points=1600),
    "burgers": Fit(sines, w_reg=1e-5, width=400, points=1600),
    "darcy": Fit(cosines, w_reg=1e-9, width=800, layers=1, points=14_400),
    "source": Fit(confined_cosines, noise=1e-2, w_reg=1e-9, width=300, points=900, steps=10),
}
"""Noise and weights of the experiments (of poisson's three the least); trunks wide enough for all
modes."""


@dataclass(frozen=True)
class Stage:
    """A place along a fit: the unknowns, the field at the data, and how it answers to a change.

    Attributes
    ----------
    problem : Problem
    params : Tensor (size,)
    u : Tensor (N,)
    answers : callable
        Modes -> T phi at the data (N, K) for such changes of the one function, float64.
    """

    problem: Problem
    params: Tensor
    u: Tensor
    answers: Callable[[Modes], Tensor]


def along_a_fit(name: str, fit: Fit) -> list[dict[str, Any]]:
    """Gradients at the start of a fit, half-way, and at its end.

    Returns
    -------
    list of dict
        ``where``, ``step``, ``cosine`` and ``norm_ratio`` of the gradient in directions to the
        exact one, ``.._local_shift`` of that by local shift, ``.._solver`` of the exact solver's
        on the usual grid, ``outside_share``, the part of the exact gradient (L2 norms) that no
        mode has, and ``data_gradient``, its norm.
    """
    problem = get(name)
    data = problem.observe(problem.truth(), fit.noise, 0)
    stages = _weakly if states_weak_form(problem) else _in_directions
    found: list[dict[str, Any]] = []
    for step, stage in enumerate(stages(problem, data, fit)):
        found.append({"step": step, **compare(stage, data, fit.modes)})
        numbers = "  ".join(f"{key} {value:.4g}" for key, value in found[-1].items())
        print(f"theory {name}: {numbers}", file=sys.stderr, flush=True)
        if step == fit.steps:
            break
    return _chosen(found)


def _in_directions(problem: Problem, data: SeparableObjective, fit: Fit) -> Iterator[Stage]:
    """The steps of a fit in directions, its start first."""
    problem = started_as_basis(problem)
    network = untuned(problem, fit.width, fit.layers, 0).double()
    generator = torch.Generator().manual_seed(2)
    points = problem.collocation(fit.points, generator).to(EXACT)
    params, waves = problem.start_params(0), Waves(problem, ASKED, MODES, 0)
    start_trunk(network, params, waves, generator)
    level = DirectionsLevel(network, points, data, fit.w_reg)
    place: Place | None = level.settle(params, START)
    mu = FIRST_MU
    while place is not None:
        yield Stage(problem, place.params, place.u, partial(_answers, place))
        place, mu = level.step(place, mu)


def _weakly(problem: Problem, data: SeparableObjective, fit: Fit) -> Iterator[Stage]:
    """The steps of a fit with the weak form, its start first."""
    problem = on_cells(problem)
    network, params = tiling(problem, fit.width, fit.layers, 0).double(), problem.start_params(0)
    galerkin = Galerkin(network, Quadrature.of(problem, fit.points), params)
    level, mu = WeakLevel(galerkin, data, fit.w_reg), FIRST_MU
    place: WeakPlace | None = level.settle(params, galerkin.nothing)
    while place is not None:
        yield Stage(problem, place.params, place.u, partial(_weak_answers, level, place))
        place, mu = level.step(place, mu)


def _chosen(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Start, half-way and end of a fit."""
    answer = found[-1]["data_gradient"]
    far = [s["step"] for s in found if s["data_gradient"] >= TENTH * answer]
    end = max(far, default=found[-1]["step"])
    steps = {"start": 0, "half": end // 2, "end": end}
    return [{"where": where, **found[step]} for where, step in steps.items()]


def compare(stage: Stage, data: SeparableObjective, modes: Modes) -> dict[str, float]:
    """All gradients of the data term at one place."""
    problem, theta = stage.problem, stage.problem.from_params(stage.params)
    exact, usual = (exact_gradient(problem, theta, data, usual=usual) for usual in (False, True))
    product = _Projected.on(exact, modes)
    by_data = data.gradient(stage.u, data.start)[1]
    acts = problem.departure_points(data.points.to(EXACT), stage.u)
    at_data = _values(modes(CoordinateJets(acts, VALUE)))
    gradients = {
        "": stage.answers(modes).t() @ by_data,
        "_local_shift": at_data @ (stage.answers(_shift)[:, 0] * by_data),
        "_solver": product.components(usual),
    }
    wanted = product.components(exact)
    size = product.norm(wanted)
    numbers = {}
    for suffix, found in gradients.items():
        numbers[f"cosine{suffix}"] = product.inner(found, wanted) / (size * product.norm(found))
        numbers[f"norm_ratio{suffix}"] = product.norm(found) / size
    whole = float((exact.values**2 / exact.weights).sum() ** 0.5)
    outside = max(0.0, 1 - (size / whole) ** 2) ** 0.5
    return {**numbers, "outside_share": outside, "data_gradient": whole}


@dataclass(frozen=True)
class _Projected:
    """L2 products of gradients projected on modes, from their components a_m = <g, phi_m>.

    <P g, P h> = a^T M^+ b,      M_mn = <phi_m, phi_n>
    """

    modes: Modes
    inverse: Tensor

    @classmethod
    def on(cls, gradient: NodalGradient, modes: Modes) -> _Projected:
        """With the quadrature of a gradient's grid."""
        phi = _values(modes(CoordinateJets(gradient.nodes, VALUE)))
        M = (phi * gradient.weights) @ phi.t()
        return cls(modes, torch.linalg.pinv(M, rtol=DEPENDENT, hermitian=True))

    def components(self, gradient: NodalGradient) -> Tensor:
        """<g, phi_m>."""
        return _values(self.modes(CoordinateJets(gradient.nodes, VALUE))) @ gradient.values

    def inner(self, a: Tensor, b: Tensor) -> float:
        """<P g, P h>."""
        return float(a @ self.inverse @ b)

    def norm(self, a: Tensor) -> float:
        """|P g|."""
        return self.inner(a, a) ** 0.5


def _shift(at: CoordinateJets) -> list[Jet]:
    """1."""
    some = next(iter(at.points.coordinates))
    return [at[some] * 0 + 1]


def _answers(place: Place, modes: Modes) -> Tensor:
    """T phi at the data for changes of the one function, (N, K), float64."""
    residual, observed = place.lower.residual, place.observed
    problem = residual.problem
    S = residual.moved_by(_changes(problem, modes(residual.at)))
    direct = observed.moved_by(_changes(problem, modes(observed.at)))
    return direct - observed.Psi @ place.lower.factors.solve(S)


def _weak_answers(level: WeakLevel, place: WeakPlace, modes: Modes) -> Tensor:
    """The same of a weak form."""
    galerkin = level.galerkin
    (f,), (S,) = galerkin.problem.functions, place.form.S
    phi = _values(modes(CoordinateJets(galerkin.points, VALUE))) / f.scale
    return -level.seen @ place.form.matrix.solve(S @ phi.t())


def _changes(problem: Problem, phi: list[Jet]) -> list[Tensor]:
    """Changes (K, P, N) of the operator's inputs by those of the one function."""
    rows = torch.stack([p.data[0] for p in phi])
    return [
        rows / k.scale if isinstance(k, Function) else torch.zeros_like(rows[..., :1])
        for k in problem.unknowns
    ]


def _values(phi: list[Jet]) -> Tensor:
    """(K, N)."""
    return torch.stack([p.value for p in phi])
