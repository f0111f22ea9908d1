"""Fit one patient with one network."""

from __future__ import annotations

import numpy as np

from gbm.config.fit_names import FitSpec
from gbm.domain.domain import load_domain
from gbm.growth.characteristic import Characteristic
from gbm.io.files import read_sealed, write_npz, write_sealed
from gbm.io.job import Job
from gbm.io.layout import arrays
from gbm.network_fit.best_basin import Optimum, fit_in_best_basin, second_checkpoint
from gbm.network_fit.tumour_fit import TIMES, TumourFit
from gbm.results.direct_record import direct_record


def run(job: Job, name: str) -> None:
    """Make one planned fit, see `gbm.config.fit_names.FitSpec.name`.

    Written: the record `fits/<name>.json` and its arrays, `u` (10, n_1, .., n_d) and `times`. A
    checkpoint is kept while it trains.
    """
    files, spec, domain = job.files, FitSpec.parse(name), load_domain(job.files.domain)
    direct = direct_record(files, spec)
    result, u = fit_in_best_basin(
        TumourFit(
            domain,
            Characteristic.from_json(read_sealed(files.characteristic)),
            np.array(direct["x0_grid_mm"], dtype=float),
            job.settings,
            spec,
            direct["first_mode"],
        ),
        Optimum.of(direct),
        threads=job.threads,
        checkpoint=files.checkpoint(name),
        progress=f"{domain.patient} {name}",
    )
    write_npz(arrays(files.fit(name)), u=u.astype(np.float32), times=TIMES)
    write_sealed(files.fit(name), result.to_json())
    for state in (files.checkpoint(name), second_checkpoint(files.checkpoint(name))):
        state.unlink(missing_ok=True)
