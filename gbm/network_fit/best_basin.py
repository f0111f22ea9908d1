"""Fit the growth parameters of one patient by a network: BiLO, or a PINN for comparison.

The origin x0 is the domain's (``fixed``), or that of the direct finite-volume fit (``inferred``: an
outer search with the solver, whose optimum every network of a patient shares). The fit itself is in
`gbm.network_fit.tumour_fit`; here the direct fit with the same origin looks over it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.growth.parameters import Growth
from gbm.growth.records import FitResult
from gbm.network_fit.start import NetworkStart
from gbm.network_fit.tumour_fit import TumourFit, fit_tumour

CLOSE = 0.03
"""Relative L2 distance of a network from the solver at the end that needs no second start."""


@dataclass(frozen=True)
class Optimum(Growth):
    """What the direct fit found: D T (mm^2), rho T and thresholds, and its objective.

    The objective is that of the cells that a network learns on, like the fits' own.
    """

    objective: float
    thresholds: tuple[float, ...]

    @classmethod
    def of(cls, direct: Mapping[str, Any]) -> Optimum:
        """Of the direct fit's record in `baselines.json`."""
        return cls(
            direct["DT_mm2"],
            direct["rhoT"],
            _number(direct["objective_network_grid"]),
            tuple(direct["thresholds"][region] for region in REGIONS),
        )


def fit_in_best_basin(
    fit: TumourFit,
    optimum: Optimum,
    *,
    threads: int = 1,
    checkpoint: Path | None = None,
    progress: str | None = None,
) -> tuple[FitResult, np.ndarray]:
    """`fit_tumour`; BiLO once more from where the direct fit ended, if the first is not as good.

    The objective may have several minima within reach, in the parameters and in the thresholds, and
    a network knows only the one that it started by. Far from its start it may also be off the
    equation. Where its verified objective is more than the objective's margin above the direct
    fit's, or its density further than `CLOSE` from the solver's, it is offered the direct fit's
    minimum too, and the better fit counts: one that is good in both, and of two such the one with
    the lower objective. Its `assessment` holds the first fit's start and objective as
    `first_start`.

    Parameters
    ----------
    optimum : Optimum
        The direct fit with this origin.
    fit, threads, progress
        See `fit_tumour`.
    checkpoint : Path, optional
        The second fit has one of its own beside it, see `second_checkpoint`.
    """

    def from_start(start: NetworkStart | None, at: Path | None) -> tuple[FitResult, np.ndarray]:
        said = progress if start is None or progress is None else f"{progress}, second start"
        return fit_tumour(fit, start, threads=threads, checkpoint=at, progress=said)

    highest = optimum.objective + fit.settings.objective.scale.margin

    def falls_short(made: tuple[FitResult, np.ndarray]) -> bool:
        return _verified(made) > highest or _number(made[0].assessment["relative_error"]) > CLOSE

    first = from_start(None, checkpoint)
    if fit.spec.method != "bilo" or not falls_short(first):
        return first
    start = NetworkStart(optimum.DT, optimum.rhoT, "direct fit", optimum.thresholds)
    second = from_start(start, None if checkpoint is None else second_checkpoint(checkpoint))
    result, u = min(first, second, key=lambda made: (falls_short(made), _verified(made)))
    before = {
        "first_start": {
            "source": first[0].assessment["start"]["source"],
            "objective_fdm": first[0].assessment["objective_fdm"],
        }
    }
    return replace(
        result,
        steps=first[0].steps + second[0].steps,
        seconds=first[0].seconds + second[0].seconds,
        assessment={**result.assessment, **before},
    ), u


def second_checkpoint(checkpoint: Path) -> Path:
    """Where a second fit of the same name keeps its state."""
    return checkpoint.with_name(f"second_{checkpoint.name}")


def _verified(made: tuple[FitResult, np.ndarray]) -> float:
    """Objective of the finite-volume solution at the parameters."""
    return _number(made[0].assessment["objective_fdm"])


def _number(value: float | None) -> float:
    """An objective; what is no number is the worst."""
    return value if value is not None and math.isfinite(value) else math.inf
