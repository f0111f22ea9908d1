"""One network on one patient: pretraining at a start, then fine-tuning from the segmentation.

Unknowns are rD, rRHO and both thresholds; the origin x0 is given. See `bilo.methods`,
`gbm.network_fit.tumour_problem` and, for where a network starts, `gbm.network_fit.start`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from bilo.methods import bilo, pinn
from bilo.training.settings import Settings as Training
from bilo.training.solution import Solution, evaluate
from gbm.config.conventions import REGIONS
from gbm.config.fit_names import Fit
from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.growth.characteristic import Characteristic
from gbm.growth.finite_volume import GrowthMap, coarsen, solve
from gbm.growth.inverse_problem import Conditions
from gbm.growth.records import FitResult
from gbm.io.code_hash import source_hash
from gbm.network_fit.segmentation_objective import SegmentationObjective
from gbm.network_fit.start import Start, start_of
from gbm.network_fit.tumour_problem import Tumour

TIMES = np.linspace(0.1, 1.0, 10)
RATE = 3e-3
"""Rate of the weights; random points make steps noisier than a quadrature grid does."""
START_WEIGHT = 10.0
"""Weight of the start's solution in pretraining; 100 where the lift knows nothing of it."""

KEPT_WEIGHT = 1.0
"""Weight of it in fine-tuning, for such a lift: an error of one in the logit counts as much as a
residual of one clock unit."""


def fit_tumour(
    domain: Domain,
    characteristic: Characteristic,
    origin: np.ndarray,
    settings: Settings,
    plan: Fit,
    *,
    start: Start | None = None,
    threads: int = 1,
    checkpoint: Path | None = None,
    progress: str | None = None,
) -> tuple[FitResult, np.ndarray]:
    """Fit one patient with one network.

    Parameters
    ----------
    domain : Domain
    characteristic : Characteristic
        What rD and rRHO are relative to, and mostly where the network is pretrained.
    origin : ndarray (2,)
        x0 in the plane, mm.
    settings : Settings
        Sections growth, objective, bounds, fit and verify.
    plan : Fit
        Method, lift, data weight and seed.
    start : Start, optional
        Where the network is pretrained; that of `gbm.network_fit.start.start_of` without it.
    threads : int
    checkpoint : Path, optional
        Resumed from, and written to.
    progress : str, optional
        Name in progress lines; None: silent.

    Returns
    -------
    result : FitResult
    u : ndarray (10, nx, ny)
        The network's density on the voxels at `TIMES`.
    """
    conditions = Conditions.of(domain, settings)
    start = start or start_of(domain, characteristic, origin, conditions)
    tumour = Tumour(
        domain,
        start,
        origin,
        plan.lift,
        h0=conditions.h0,
        r0=conditions.r0,
        bounds=conditions.growth_bounds,
        refine=settings.verify.refine,
    )
    continued = start.source == "characteristic"
    objective = SegmentationObjective(tumour, conditions, continued=continued)
    training = replace(
        _training(settings, plan),
        threads=threads,
        checkpoint=checkpoint,
        progress=progress,
        key=_key(domain, characteristic, origin, settings, plan, start),
    )
    judge = _referee(domain, tumour, objective, settings.verify.refine)
    if plan.method == "bilo":
        solution = bilo.fit(tumour, objective, training, judge)
    else:
        solution = pinn.fit(tumour, objective, training)
    u = np.stack([_density(tumour, solution, t) for t in TIMES])
    result = _result(plan, characteristic, start, tumour, objective, solution, u[-1])
    verified = judge(solution.codes, solution.auxiliary)
    return replace(result, assessment={**result.assessment, "objective_fdm": verified}), u


def _key(
    domain: Domain,
    characteristic: Characteristic,
    origin: np.ndarray,
    settings: Settings,
    plan: Fit,
    start: Start,
) -> str:
    """Hash of all a fit depends on: a checkpoint of other data or other code is not continued."""
    digest = hashlib.sha256(source_hash("gbm.network_fit.best_basin").encode())
    for array in (domain.P, domain.phi, domain.WT, domain.TC, origin):
        digest.update(np.ascontiguousarray(array).tobytes())
    values = (characteristic.DT, characteristic.rhoT, settings, plan, start)
    digest.update(repr(values).encode())
    return digest.hexdigest()


def _training(settings: Settings, plan: Fit) -> Training:
    fit, paper = settings.fit, settings.fit.recipe == "paper"
    return Training(
        recipe=fit.recipe,
        rate=None if paper else RATE,
        width=fit.width,
        layers=fit.layers,
        fourier=fit.fourier,
        pretrain_steps=fit.pretrain_steps,
        finetune_steps=fit.finetune_steps,
        points=fit.points,
        sample_directions=True,
        w_start=START_WEIGHT * (10.0 if plan.lift == "heat" else 1.0),
        w_keep=KEPT_WEIGHT if plan.lift == "heat" else 0.0,
        w_data=plan.weight or 0.0,
        seed=plan.seed,
        device=fit.device,
        history_every=20,
    )


def _referee(
    domain: Domain, tumour: Tumour, objective: SegmentationObjective, refine: int
) -> Callable[[torch.Tensor, torch.Tensor], float]:
    """The objective of the finite-volume solution: the fit ends at the best place it judged."""
    grid = GrowthMap.of(domain, refine)
    origin, seed = np.array([tumour.x0, tumour.y0]), tumour.seed

    def judge(codes: torch.Tensor, auxiliary: torch.Tensor) -> float:
        theta = tumour.decode(codes)
        DT, rhoT = tumour.DT * theta["rD"], tumour.rhoT * theta["rRHO"]
        u = coarsen(solve(grid, DT, rhoT, origin, h0=seed.h0, r0=seed.r0)[0], refine)
        thresholds, lambda_mm = objective.thresholds(auxiliary), math.sqrt(DT / rhoT)
        return objective.conditions.value(u, thresholds, lambda_mm, rhoT)

    return judge


def _density(tumour: Tumour, solution: Solution, t: float) -> np.ndarray:
    assert solution.network is not None
    l = evaluate(solution.network, tumour.snapshot(t), solution.codes)
    return tumour.to_voxels(torch.sigmoid(l))


def _result(
    plan: Fit,
    characteristic: Characteristic,
    start: Start,
    tumour: Tumour,
    objective: SegmentationObjective,
    solution: Solution,
    final: np.ndarray,
) -> FitResult:
    theta = solution.unknowns
    DT, rhoT = tumour.DT * theta["rD"], tumour.rhoT * theta["rRHO"]
    thresholds = objective.thresholds(solution.auxiliary)
    return FitResult(
        method=plan.method,
        lift=plan.lift,
        x0=plan.x0,
        weight=plan.weight,
        seed=plan.seed,
        DT_mm2=DT,
        rhoT=rhoT,
        lambda_mm=math.sqrt(DT / rhoT),
        rD=DT / characteristic.DT,
        rRHO=rhoT / characteristic.rhoT,
        thresholds=dict(zip(REGIONS, thresholds.tolist(), strict=True)),
        x0_plane_mm=[tumour.x0, tumour.y0],
        objective_network=objective.conditions.value(final, thresholds, math.sqrt(DT / rhoT), rhoT),
        status=solution.status,
        converged=solution.converged,
        steps=solution.steps,
        seconds=solution.seconds,
        device=solution.device,
        warnings=solution.warnings,
        history=dict(solution.history),
        assessment={
            "start": asdict(start),
            "behind_walls": tumour.behind_walls(final),
            **solution.assessment,
        },
    )
