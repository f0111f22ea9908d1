"""Fit one patient with one network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gbm.config.fit_names import REFERENCES, FitSpec
from gbm.config.settings import Settings
from gbm.domain.domain import load_domain
from gbm.growth.characteristic import Characteristic
from gbm.io.files import read_json, write_json, write_npz
from gbm.network_fit.best_basin import Optimum, fit_in_best_basin, second_checkpoint
from gbm.network_fit.tumour_fit import TIMES, TumourFit


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
        See `gbm.config.fit_names.Fit.name`.
    settings : Settings
    record, fields : Path
        Written: `fits/<name>.json` and `fits/<name>.npz` (`u` (10, nx, ny), `times`).
    checkpoint : Path
        Kept while training, removed at the end.
    threads : int
    """
    problem, spec = load_domain(domain), FitSpec.parse(name)
    direct = read_json(baselines)[REFERENCES[spec.x0]]
    result, u = fit_in_best_basin(
        TumourFit(
            problem,
            Characteristic.from_json(read_json(characteristic)),
            np.array(direct["x0_plane_mm"], dtype=float),
            settings,
            spec,
        ),
        Optimum.of(direct),
        threads=threads,
        checkpoint=checkpoint,
        progress=f"{problem.patient} {name}",
    )
    write_npz(fields, u=u.astype(np.float32), times=TIMES)
    write_json(record, result.to_json())
    for state in (checkpoint, second_checkpoint(checkpoint)):
        state.unlink(missing_ok=True)
