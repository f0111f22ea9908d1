"""Fits that end at wrong answers, or easily do: budgets, models, data, references, methods.

The first fourteen are those that version 0.1 called converged.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points, grid
from bilo.inverse.problem import Problem
from bilo.methods._fit import fit
from bilo.methods.adjoint import Adjoint
from bilo.methods.bilo import BiLO
from bilo.methods.bpn import BPN
from bilo.methods.deeponet import DeepONet
from bilo.methods.descent import Descent
from bilo.methods.direct_fit import DirectFit
from bilo.methods.pinn import PINN
from bilo.methods.tikhonov import Tikhonov
from bilo.problems.burgers import Burgers
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.heat import Heat
from bilo.problems.particles import Particles
from bilo.problems.poisson import Poisson
from bilo.problems.poisson_scalar import PoissonScalar
from bilo.training.solution import Solution
from tests.bilo.status import models as m
from tests.bilo.status import problems as p
from tests.bilo.status.functions import DiscSource, TwoFunctions
from tests.bilo.status.row import Evidence, Row, data_of, variants

REF: Evidence = "reference"
SIG: Evidence = "sigma"
NOT: Evidence = "neither"
LM = BiLO("lm", width=12)
SHORT = BiLO("lm", pretrain_steps=3, finetune_steps=5)
FAST = BiLO(width=48)


# --- what happens to data -------------------------------------------------------------------------
def _shuffled(values: Tensor, points: Points) -> Tensor:
    return values[torch.randperm(len(values), generator=torch.Generator().manual_seed(5))]


def _outliers(values: Tensor, points: Points) -> Tensor:
    found = values.clone()
    found[[8, 19, 27]] += 0.6 * values.max()
    return found


def _nan(values: Tensor, points: Points) -> Tensor:
    return torch.where(torch.arange(len(values)) == 3, torch.nan, values)


def _tilted(values: Tensor, points: Points) -> Tensor:
    return values * (1 + 0.4 * (points.coordinates["x"] - 0.5))


def _swapped(data: LeastSquares) -> LeastSquares:
    t, x = (data.points.coordinates[c] for c in ("t", "x"))
    return replace(data, points=Points({"t": x, "x": t}))


def _percent(data: LeastSquares) -> LeastSquares:
    return replace(data, points=Points({"x": 100 * data.points.coordinates["x"]}))


def _one_value(data: LeastSquares) -> LeastSquares:
    return LeastSquares(data.points, data.values[:1], None)


def _infinite(data: LeastSquares) -> LeastSquares:
    return LeastSquares(data.points, data.values, float("inf"))


def _of_u_alone(data: LeastSquares) -> LeastSquares:
    values = data.values.view(-1, 2)[:, 0]
    sigma = None if data.sigma is None else float(torch.as_tensor(data.sigma)[0])
    return LeastSquares(data.points, values, sigma, seen=lambda u, at: u[0])


# --- what happens in a fit ------------------------------------------------------------------------
def _after(other: Row) -> Any:
    """Resumed from the checkpoint of another fit."""

    def run(problem: Problem, data: Any, row: Row) -> Solution:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "fit.safetensors"
            fit(other.model(), data_of(other)[0], row.method, device="cpu", checkpoint=file)
            return fit(problem, data, row.method, device="cpu", checkpoint=file)

    return run


def _interrupted(step: int) -> Any:
    """By the user, who takes what there is."""

    def stop(progress: Any) -> None:
        if progress.step >= step:
            raise KeyboardInterrupt

    def run(problem: Problem, data: Any, row: Row) -> Solution:
        return fit(problem, data, row.method, seed=row.seed, device="cpu", callback=stop)

    return run


def _in_disc(points: Points) -> Tensor:
    x, y = (points.coordinates[c] - 0.5 for c in ("x", "y"))
    return x**2 + y**2 < 0.2**2


FIN = Row("", "", p.Fin, LM)
"""k = 4, 40 noisy points."""


def _fin(name: str, what: str, *evidence: Evidence, **rest: Any) -> list[Row]:
    return variants(replace(FIN, name=name, what=what, **rest), *evidence)


EARLIER = [
    *_fin("01-nan", "one NaN in the data", SIG, NOT, spoil=_nan),
    *_fin(
        "02-other-data", "the checkpoint of other data", NOT,
        run=_after(replace(FIN, truth={"k": 9.0}, evidence=REF)),
    ),
    *_fin(
        "03-other-equation", "the checkpoint of k u^2", NOT,
        run=_after(replace(FIN, model=m.Quadratic, nature=p.Fin, evidence=NOT)),
    ),
    *(
        row
        for seed in (0, 1, 2)
        for row in _fin(f"04-pinn-{seed}", "a PINN's defaults", SIG, NOT, method=PINN(), seed=seed)
    ),
    *_fin("04-pinn-w1000", "a PINN", REF, SIG, NOT, method=PINN(w_data=1000.0)),
    *_fin("05-lm-3-5", "budget", REF, SIG, NOT, method=SHORT),
    *_fin(
        "05-fast-20-20", "budget", REF, SIG, NOT,
        method=BiLO(pretrain_steps=20, finetune_steps=20),
    ),
    *_fin(
        "05-fast-0-100", "budget", REF, SIG, NOT,
        method=BiLO(pretrain_steps=0, finetune_steps=100),
    ),
    *_fin("06-small-k", "k = 4e-6, scale 1", REF, SIG, NOT, model=m.scaled_fin(1e-6)),
    *_fin("06-small-k-own", "k = 4e-6", SIG, NOT, model=m.scaled_fin(1e-6, None)),
    *_fin("07-k-4e-3", "k = 4e-3, scale 1", REF, SIG, NOT, model=m.scaled_fin(1e-3), method=FAST),
    *_fin("08-k-4000", "k = 4000: layers", REF, SIG, NOT, model=m.Steep),
    *(
        row
        for seed in (0, 1, 2)
        for row in _fin(
            f"09-free-{seed}", "boundary values forgotten", SIG, NOT,
            model=m.Free, nature=p.Fin, seed=seed,
        )
    ),
    *_fin("09-free-0", "boundary values forgotten", REF, model=m.Free, nature=p.Fin),
    *_fin("10-tensor", "a tensor in the transform", SIG, NOT, model=m.Dropped, nature=p.Fin),
    *_fin("11-one-value", "one value for 40 points", NOT, change=_one_value),
    *variants(
        Row("12-two-functions", "a PINN", TwoFunctions, PINN(width=64), noise=0.0), REF, SIG, NOT
    ),
    *variants(
        Row("13-disc", "a PINN", DiscSource, PINN(width=64), noise=0.0, within=_in_disc),
        REF, SIG, NOT,
    ),
    *variants(
        Row(
            "14-helmholtz", "one start, 19 points", p.Helmholtz, DirectFit(starts=1),
            points=Points({"x": torch.linspace(0.05, 0.95, 19, dtype=torch.float64)}),
        ),
        REF,
    ),
    *variants(
        Row(
            "14-helmholtz-far", "a start across a resonance", m.FarHelmholtz, LM,
            points=Points({"x": torch.linspace(0.05, 0.95, 19, dtype=torch.float64)}),
        ),
        REF, SIG, NOT,
    ),
]  # fmt: skip

BUDGETS = [
    *variants(Row("15-decay", "budget", p.Decay, BiLO("lm", pretrain_steps=2, finetune_steps=3)),
              REF, SIG, NOT),
    *variants(Row("16-cooling", "budget", p.Cooling,
                  BiLO(width=32, pretrain_steps=30, finetune_steps=30)), REF, SIG, NOT),
    *variants(Row("17-logistic", "a far start, budget", m.altered(p.Logistic, start=8.0),
                  BiLO("lm", width=8, pretrain_steps=10, finetune_steps=10)), REF, SIG, NOT),
    *variants(Row("18-plate", "budget", p.Plate, replace(SHORT, width=10)), REF, SIG, NOT),
    *_fin("19-width-2", "a network of width 2", REF, SIG, NOT,
          model=p.Helmholtz, method=BiLO("lm", width=2, layers=1)),
    *_fin("20-width-2-fast", "a network of width 2", SIG, NOT, method=BiLO(width=2, layers=1)),
    *_fin("21-interrupted", "stopped by hand", REF, SIG, NOT, run=_interrupted(34)),
    *_fin("22-interrupted-fast", "stopped by hand", SIG, NOT, method=FAST,
          run=_interrupted(260)),
    *_fin("23-scale", "scale 1000", REF, SIG, NOT, model=m.altered(p.Fin, scale=1000.0)),
    *_fin("24-scale-fast", "scale 1000", SIG, NOT, model=m.altered(p.Fin, scale=1000.0),
          method=FAST),
]  # fmt: skip

MODELS = [
    *_fin("25-raised", "other boundary values", REF, SIG, NOT, model=m.Raised, nature=p.Fin),
    *_fin("26-half-free", "one boundary value forgotten", REF, SIG, NOT,
          model=m.HalfFree, nature=p.Fin),
    *variants(Row("27-unstarted", "no initial value", m.Unstarted, LM, nature=p.Decay),
              REF, SIG, NOT),
    *_fin("28-negative", "sign of the reference", REF, model=m.Negative, nature=p.Fin),
    *variants(Row("29-backward", "sign of the reference", m.Backward, LM, nature=p.Advection),
              REF),
    *_fin("30-halved", "reference of another equation", REF, model=m.Halved, nature=p.Fin),
    *_fin("31-quadratic", "another equation", SIG, NOT, model=m.Quadratic, nature=p.Fin),
    *variants(Row("32-slow", "another velocity", m.Slow, LM, nature=p.Transport, noise=0.003),
              REF, SIG, NOT),
    *_fin("33-bounds", "bounds without the truth", REF, SIG, NOT,
          model=m.altered(p.Fin, bounds=(0.1, 3.0)), nature=p.Fin),
]  # fmt: skip

DATA = [
    *_fin("34-offset", "an offset of a tenth", REF, SIG, NOT, noise=0.0,
          spoil=lambda u, at: u + 0.1 * u.max()),
    *_fin("35-tilted", "a sensor that drifts", REF, SIG, NOT, noise=0.0, spoil=_tilted),
    *_fin("36-shuffled", "values shuffled", REF, SIG, NOT, spoil=_shuffled),
    *variants(Row("37-swapped", "coordinates permuted", p.Cooling, LM, change=_swapped),
              REF, SIG, NOT),
    *_fin("38-units", "values in thousandths", REF, SIG, NOT, spoil=lambda u, at: 1000 * u),
    *_fin("39-percent", "positions in per cent", REF, SIG, NOT, change=_percent),
    *_fin("40-outliers", "3 outliers of 40", REF, SIG, NOT, spoil=_outliers),
    *_fin("41-understated", "a tenth of the noise", SIG, noise=0.1, said=0.1, seed=3),
    *variants(Row("42-unseen", "data of u alone", p.TwoDecays, LM, change=_of_u_alone),
              REF, SIG, NOT),
    *variants(Row("43-together", "only k1 k2 acts", p.Together, LM, truth={"k1": 3.0, "k2": 4 / 3}),
              REF, SIG, NOT),
    *_fin("44-infinite", "sigma is infinite", NOT, change=_infinite),
]  # fmt: skip

MINIMA = [
    *variants(Row("45-fisher", "a local minimum", m.NearMinimum, BiLO("lm"), noise=0.0,
                  points=grid(t=torch.tensor([1.0]).double(),
                              x=torch.linspace(0, 1, 11).double())), REF, SIG, NOT),
    *variants(Row("46-oscillation", "a local minimum", p.Oscillation, LM, truth={"w": 9.0}),
              REF, SIG, NOT),
    *variants(Row("47-oscillation-direct", "a local minimum", p.Oscillation, DirectFit(starts=1),
                  truth={"w": 9.0}), REF),
]  # fmt: skip

METHODS = [
    *(
        row
        for w in (1e-6, 1e6)
        for row in (
            *_fin(f"48-pinn-lm-{w:g}", "weight", REF, SIG, NOT,
                  method=PINN("lm", width=12, w_data=w)),
            *_fin(f"49-pinn-{w:g}", "weight", REF, SIG, NOT, method=PINN(width=48, w_data=w)),
        )
    ),
    *variants(Row("50-pinn-decay", "weight", p.Decay, PINN(width=48, w_data=1e4)), REF, SIG, NOT),
    *variants(Row("51-deeponet", "outside of its samples", m.Narrow, DeepONet(width=48),
                  truth={"D": 6.0}), REF),
    *variants(Row("52-deeponet", "outside of its samples", FisherKPP, DeepONet(width=48),
                  truth={"D": 6.0, "rho": 4.0}), REF),
    *variants(Row("53-bpn", "budget", PoissonScalar,
                  BPN(width=24, pretrain_steps=20, finetune_steps=40)), REF, SIG, NOT),
    *variants(Row("54-particles", "budget", Particles,
                  BiLO("lm", width=8, pretrain_steps=5, finetune_steps=8)), REF, SIG),
]  # fmt: skip

FUNCTIONS = [
    *variants(Row("55-two-functions", "budget", TwoFunctions,
                  BiLO(width=32, pretrain_steps=60, finetune_steps=60), noise=0.0), REF, SIG, NOT),
    *variants(Row("56-disc", "the operator's shift", DiscSource, BiLO(width=48), noise=0.0,
                  within=_in_disc), REF, SIG, NOT),
    *variants(Row("57-poisson", "budget", Poisson,
                  BiLO("lm", width=8, pretrain_steps=5, finetune_steps=6), noise=0.0),
              REF, SIG, NOT),
    *variants(Row("58-tikhonov", "no weight", Heat, Tikhonov()), REF, SIG),
    *variants(Row("59-adjoint-heavy", "a large weight", Poisson, Adjoint(w_reg=10.0), noise=0.0),
              REF, SIG),
    *variants(Row("60-adjoint-none", "no weight", Heat, Adjoint()), REF, SIG),
    *variants(Row("61-descent", "it ends early", Burgers, Descent(w_reg=1e-3)), REF, SIG),
]  # fmt: skip

WRONG = [*EARLIER, *BUDGETS, *MODELS, *DATA, *MINIMA, *METHODS, *FUNCTIONS]
