"""Sixty fits of noisy data with sensible budgets, whose answers are right."""

from __future__ import annotations

from collections.abc import Callable

from bilo.inverse.problem import Problem
from bilo.methods.bilo import BiLO
from bilo.problems.bpn import BoundaryValues
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.heat import Heat
from bilo.problems.particles import Particles
from bilo.problems.poisson import Poisson
from bilo.problems.poisson_scalar import PoissonScalar
from tests.bilo.status.problems import Decay, Fin, LotkaVolterra, Transport
from tests.bilo.status.row import Evidence, Row, variants

PROBLEMS: tuple[Callable[[], Problem], ...] = (
    PoissonScalar, FisherKPP, Particles, BoundaryValues, Fin, Decay, LotkaVolterra, Transport,
)  # fmt: skip
EACH = 20
NOISE = (0.01, 0.03)
ALL: tuple[Evidence, ...] = ("reference", "sigma", "neither")


def _named(problem: Callable[[], Problem]) -> str:
    return getattr(problem, "__name__", "problem")


def _rows() -> list[Row]:
    found = []
    for evidence in ALL:
        # particles are a Poisson process, whose noise is always known
        able = [p for p in PROBLEMS if not (evidence == "neither" and p is Particles)]
        for k in range(EACH):
            problem, noise = able[k % len(able)], NOISE[(k // len(able)) % len(NOISE)]
            name = f"{_named(problem)}-{k // len(able)}-{noise:g}"
            found.append(
                Row(name, "", problem, BiLO("lm", width=12), evidence, noise=noise, seed=k)
            )
    return found


RIGHT = _rows()
FUNCTIONS = [
    *variants(Row("Poisson-f", "", Poisson, BiLO("lm", w_reg=1e-3), noise=0.01), *ALL),
    *variants(Row("Heat-f", "", Heat, BiLO("lm", w_reg=1e-3), noise=0.01), *ALL),
]
"""Not among the sixty."""
