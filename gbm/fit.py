"""Fit the growth parameters of one patient by a network: BiLO, or a PINN for comparison.

The origin x0 is the domain's (``fixed``), or that of the direct finite-volume fit (``inferred``: an
outer search with the solver, whose optimum every network of a patient shares). The fit itself is in
`gbm.tumour_fit`; here the direct fit with the same origin looks over it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gbm.basin import Start
from gbm.characteristic import Characteristic
from gbm.domain import Domain, load_domain
from gbm.files import read_json, write_json, write_npz
from gbm.plan import REFERENCES, Fit
from gbm.results import INDISTINCT, FitResult
from gbm.settings import Settings
from gbm.tumour_fit import TIMES, fit_tumour


@dataclass(frozen=True)
class Optimum:
    """What the direct fit found: its parameters D T (mm^2) and rho T, and its objective."""

    DT: float
    rhoT: float
    objective: float


def fit_in_best_basin(
    domain: Domain,
    characteristic: Characteristic,
    origin: np.ndarray,
    settings: Settings,
    plan: Fit,
    optimum: Optimum,
    *,
    threads: int = 1,
    checkpoint: Path | None = None,
    progress: str | None = None,
) -> tuple[FitResult, np.ndarray]:
    """`fit_tumour`; BiLO once more from the direct fit's parameters where it ended above them.

    The objective may have several minima within reach, and a network knows only the one that it
    started by. Where its verified objective is more than `INDISTINCT` above the direct fit's, it is
    offered that one too, and the better fit counts. Its `assessment` holds the first fit's start
    and objective as `first_start`.

    Parameters
    ----------
    optimum : Optimum
        The direct fit with this origin.
    domain, characteristic, origin, settings, plan, threads, progress
        See `fit_tumour`.
    checkpoint : Path, optional
        The second fit has one of its own beside it, see `second_checkpoint`.
    """

    def fit(start: Start | None, at: Path | None) -> tuple[FitResult, np.ndarray]:
        return fit_tumour(
            domain, characteristic, origin, settings, plan,
            start=start, threads=threads, checkpoint=at, progress=progress,
        )  # fmt: skip

    first = fit(None, checkpoint)
    if plan.method != "bilo" or _verified(first) <= optimum.objective + INDISTINCT:
        return first
    start = Start(optimum.DT, optimum.rhoT, "direct fit")
    second = fit(start, None if checkpoint is None else second_checkpoint(checkpoint))
    result, u = min(first, second, key=_verified)
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


def run(
    *,
    domain: Path,
    characteristic: Path,
    baselines: Path,
    name: str,
    settings: Settings,
    record: Path,
    fields: Path,
    checkpoint: Path,
    threads: int,
) -> None:
    """Make one planned fit from files.

    Parameters
    ----------
    domain, characteristic, baselines : Path
        `desc-domain.npz`, `characteristic.json`, `baselines.json` (the direct fit and its origin).
    name : str
        See `gbm.plan.Fit.name`.
    settings : Settings
    record, fields : Path
        Written: `fits/<name>.json` and `fits/<name>.npz` (`u` (10, nx, ny), `times`).
    checkpoint : Path
        Kept while training, removed at the end.
    threads : int
    """
    problem, plan = load_domain(domain), Fit.parse(name)
    direct = read_json(baselines)[REFERENCES[plan.x0]]
    result, u = fit_in_best_basin(
        problem,
        Characteristic.from_json(read_json(characteristic)),
        np.array(direct["x0_plane_mm"], dtype=float),
        settings,
        plan,
        Optimum(direct["DT_mm2"], direct["rhoT"], _number(direct["objective"])),
        threads=threads,
        checkpoint=checkpoint,
        progress=f"{problem.patient} {name}",
    )
    write_npz(fields, u=u.astype(np.float32), times=TIMES)
    write_json(record, result.to_json())
    for state in (checkpoint, second_checkpoint(checkpoint)):
        state.unlink(missing_ok=True)
