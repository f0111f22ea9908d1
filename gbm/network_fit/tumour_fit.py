"""One network on one patient: pretraining at a start, then fine-tuning from the segmentation.

Unknowns are rD, rRHO and both thresholds; the origin x0 is given. See `bilo.methods`,
`gbm.network_fit.tumour_problem` and, for where a network starts, `gbm.network_fit.start`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bilo.methods.bilo import BiLO, Referee
from bilo.methods.pinn import PINN
from bilo.training.checks import UNVERIFIED
from bilo.training.code_hash import source_hash
from bilo.training.loop import OtherFit
from bilo.training.session import Session
from bilo.training.solution import Solution, evaluate
from gbm.config.conventions import REGIONS
from gbm.config.fit_names import FitSpec
from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.growth.characteristic import Characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import relative_error
from gbm.growth.parameters import Growth
from gbm.growth.records import CONVERGED, FitResult
from gbm.network_fit.outline_level import OutlineLevel
from gbm.network_fit.segmentation_objective import SegmentationObjective
from gbm.network_fit.start import NetworkStart, start_of
from gbm.network_fit.tumour_problem import TumourProblem
from gbm.posterior.objective import with_outlines

TIMES = np.linspace(0.1, 1.0, 10)
RATE = 3e-3
"""Rate of the weights; random points make steps noisier than a quadrature grid does."""
START_WEIGHT = 10.0
"""Weight of the start's solution in pretraining; 100 where the lift knows nothing of it."""

KEPT_WEIGHT = 1.0
"""Weight of it in fine-tuning, for such a lift: an error of one in the logit counts as much as a
residual of one clock unit."""


@dataclass(frozen=True)
class TumourFit:
    """One fit of one patient: everything that its result depends on.

    Attributes
    ----------
    domain : Domain
    characteristic : Characteristic
        What rD and rRHO are relative to, and mostly where the network is pretrained.
    origin : ndarray (d,)
        x0, mm.
    settings : Settings
        Sections growth, objective, bounds, fit and verify.
    spec : FitSpec
        Method, lift, data weight and seed.
    first_mode : tuple of float, optional
        Of the direct fit; what the objective `outline` takes its noise level from.
    """

    domain: Domain
    characteristic: Characteristic
    origin: np.ndarray
    settings: Settings
    spec: FitSpec
    first_mode: tuple[float, ...] | None = None

    @property
    def grids(self) -> Grids:
        """Where what is solved and judged."""
        return Grids.of(self.domain.dimensions, self.settings.verify.refine)

    @property
    def inverse(self) -> GrowthInverseProblem:
        """Objective on the voxels, bounds and seed."""
        given = GrowthInverseProblem.of(self.domain, self.settings)
        return with_outlines(self.domain, given, self.first_mode)

    def key(self, start: NetworkStart) -> str:
        """Hash of it: a checkpoint of other data or other code is not continued."""
        digest = hashlib.sha256(source_hash("gbm.steps.fit").encode())
        domain = self.domain
        for array in (domain.P, domain.phi, domain.WT, domain.TC, self.origin):
            digest.update(np.ascontiguousarray(array).tobytes())
        growth = (self.characteristic.DT, self.characteristic.rhoT)
        digest.update(repr((*growth, self.settings, self.spec, self.first_mode, start)).encode())
        return digest.hexdigest()


def fit_tumour(
    fit: TumourFit,
    start: NetworkStart | None = None,
    *,
    threads: int = 1,
    checkpoint: Path | None = None,
    progress: str | None = None,
) -> tuple[FitResult, np.ndarray]:
    """Fit one patient with one network.

    Parameters
    ----------
    fit : TumourFit
    start : NetworkStart, optional
        Where the network is pretrained; that of `gbm.network_fit.start.start_of` without it.
    threads : int
    checkpoint : Path, optional
        Resumed from, and written to.
    progress : str, optional
        Name in progress lines; None: silent.

    Returns
    -------
    result : FitResult
    u : ndarray (10, n_1, .., n_d)
        The network's density on the objective's cells at `TIMES`: the voxels of a slice, cells of
        2 mm of a volume.
    """
    domain, settings, spec = fit.domain, fit.settings, fit.spec
    given = fit.inverse
    start = start or start_of(domain, fit.characteristic, fit.origin, given)
    inverse = given.coarsened(fit.grids.objective)
    tumour = TumourProblem(
        domain, start, inverse.seed(fit.origin), spec.lift,
        bounds=inverse.growth_bounds, grids=fit.grids,
    )  # fmt: skip
    objective = _objective(tumour, inverse, continued=start.source == "characteristic")
    if start.thresholds is not None:
        objective.begin_at(start.thresholds)
    tumour.key = fit.key(start)
    solved = _solver(domain, tumour)
    judge = _referee(tumour, objective, solved)
    session = Session(
        seed=spec.seed,
        device=settings.fit.device,
        threads=threads,
        checkpoint=checkpoint,
        progress=progress,
    )
    solution = _solved(tumour, objective, _method(settings, spec, judge), session)
    u = np.stack([_density(tumour, solution, t) for t in TIMES])
    result = _result(fit, tumour, objective, solution, u[-1])
    assessment = {
        "start": {"DT": start.DT, "rhoT": start.rhoT, "source": start.source},
        **result.assessment,
        "objective_fdm": judge(solution.params, solution.nuisance),
        "relative_error": relative_error(u[-1], solved(solution.params), inverse.objective.phi),
    }
    return replace(result, assessment=assessment), u


def _method(settings: Settings, spec: FitSpec, judge: Referee) -> BiLO | PINN:
    """BiLO or PINN, with the network and the budget of the settings."""
    fit, heat = settings.fit, spec.lift == "heat"
    shared: dict[str, Any] = {
        "rate": None if fit.recipe == "paper" else RATE,
        "width": fit.width,
        "layers": fit.layers,
        "fourier": fit.fourier,
        "pretrain_steps": fit.pretrain_steps,
        "finetune_steps": fit.finetune_steps,
        "points": fit.points,
        "w_pretraining": START_WEIGHT * (10.0 if heat else 1.0),
        "history_every": 20,
    }
    if spec.method == "pinn":
        return PINN(fit.recipe, w_data=spec.weight or 0.0, **shared)
    kept = KEPT_WEIGHT if heat else 0.0
    return BiLO(fit.recipe, sample_directions=True, w_keep=kept, referee=judge, **shared)


def _solved(
    tumour: TumourProblem, objective: Level, method: BiLO | PINN, session: Session
) -> Solution:
    """The fit; what a checkpoint holds of other data or another code is thrown away."""
    with session.running():
        try:
            return method.fit(tumour, objective, session)
        except OtherFit:
            assert session.checkpoint is not None
            session.checkpoint.unlink()
            return method.fit(tumour, objective, session)


Level = SegmentationObjective | OutlineLevel


def _objective(tumour: TumourProblem, inverse: GrowthInverseProblem, *, continued: bool) -> Level:
    """What the upper level descends."""
    if inverse.outlines is not None:
        return OutlineLevel(tumour, inverse)
    return SegmentationObjective(tumour, inverse, continued=continued)


def _solver(domain: Domain, tumour: TumourProblem) -> Callable[[torch.Tensor], np.ndarray]:
    """The finite-volume solution at some params, on the objective's cells."""
    grids = tumour.grids
    grid = GrowthMap.of(domain, grids.network)

    def solved(params: torch.Tensor) -> np.ndarray:
        growth = _growth(tumour, tumour.from_params(params))
        return coarsen(solve(grid, growth, tumour.seed)[0], grids.per_cell)

    return solved


def _referee(
    tumour: TumourProblem, objective: Level, solved: Callable[[torch.Tensor], np.ndarray]
) -> Referee:
    """The objective of the finite-volume solution: the fit ends at the best place it judged."""

    def judge(params: torch.Tensor, nuisance: torch.Tensor) -> float:
        growth = _growth(tumour, tumour.from_params(params))
        thresholds = objective.thresholds(nuisance)
        return objective.inverse.value(solved(params), thresholds, growth.lambda_mm, growth.rhoT)

    return judge


def _density(tumour: TumourProblem, solution: Solution, t: float) -> np.ndarray:
    assert solution.network is not None
    l = evaluate(solution.network, tumour.snapshot(t), solution.params)
    return tumour.to_voxels(torch.sigmoid(l))


def _growth(tumour: TumourProblem, theta: Mapping[str, Any]) -> Growth:
    """D T and rho T at the factors rD and rRHO on the start's."""
    return Growth(tumour.growth.DT * theta["rD"], tumour.growth.rhoT * theta["rRHO"])


def _result(
    fit: TumourFit,
    tumour: TumourProblem,
    objective: Level,
    solution: Solution,
    final: np.ndarray,
) -> FitResult:
    growth, spec = _growth(tumour, solution.unknowns), fit.spec
    thresholds, lambda_mm = objective.thresholds(solution.nuisance), growth.lambda_mm
    # the tumour problem has no numerical solution of its own: what nothing contradicts here is
    # confirmed, or not, by the finite-volume verification, the step after this one
    status = CONVERGED if solution.status == UNVERIFIED else solution.status
    return FitResult(
        method=spec.method,
        lift=spec.lift,
        x0=spec.origin,
        weight=spec.weight,
        seed=spec.seed,
        DT_mm2=growth.DT,
        rhoT=growth.rhoT,
        lambda_mm=lambda_mm,
        rD=growth.DT / fit.characteristic.DT,
        rRHO=growth.rhoT / fit.characteristic.rhoT,
        thresholds=dict(zip(REGIONS, thresholds.tolist(), strict=True)),
        x0_grid_mm=tumour.seed.x0.tolist(),
        objective_network=objective.inverse.value(final, thresholds, lambda_mm, growth.rhoT),
        status=status,
        converged=status == CONVERGED,
        steps=solution.steps,
        seconds=solution.seconds,
        device=solution.device,
        warnings=solution.warnings,
        history=dict(solution.history),
        assessment={"behind_walls": tumour.behind_walls(final), **solution.assessment},
    )
