"""Verify one fit of one patient by finite volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gbm.config.settings import Settings
from gbm.domain.domain import load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.records import FitResult
from gbm.growth.verification import verify
from gbm.io.files import read_json, write_json, write_npz


def run(
    *, domain: Path, fit: Path, arrays: Path, settings: Settings, record: Path, fields: Path
) -> None:
    """Verify one fit from files.

    Parameters
    ----------
    domain, fit, arrays : Path
        `desc-domain.npz`, `fits/<name>.json` and `fits/<name>.npz` (`u`, `times`).
    settings : Settings
        Objective, bounds, growth and verify.
    record, fields : Path
        Written: `verify/<name>.json` and `verify/<name>.npz` (`u_fdm`, `u_network`).
    """
    problem = load_domain(domain)
    with np.load(arrays, allow_pickle=False) as stored:
        u_network, times = stored["u"].astype(float), stored["times"].astype(float)
    found, u_fdm = verify(
        problem,
        FitResult.from_json(read_json(fit)),
        u_network,
        times,
        GrowthInverseProblem.of(problem, settings),
        refine=settings.verify.refine,
        max_disagreement=settings.verify.max_disagreement,
    )
    write_json(record, found.to_json())
    write_npz(fields, u_fdm=u_fdm, u_network=u_network[-1])
