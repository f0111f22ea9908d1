"""The posterior of growth, origin and thresholds, given the outlines; no network is needed."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from gbm.config.settings import UncertaintySettings
from gbm.domain.domain import load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_sealed, write_npz, write_sealed
from gbm.io.job import Job
from gbm.io.layout import arrays
from gbm.posterior.result import OutlinePosterior
from gbm.posterior.sampling import NoOutlineError, Sampling, outline_posterior
from gbm.search.coarse_search import Candidate


def run(job: Job) -> None:
    """Write `posterior.json` and `posterior.npz` (settings growth, objective, bounds, uncertainty).

    Where no outline can be compared with the model the record has a reason, and there is no sample.
    """
    files, domain, asked = job.files, load_domain(job.files.domain), job.settings.uncertainty
    inverse = GrowthInverseProblem.of(domain, job.settings)
    direct = Candidate.of(read_sealed(files.baselines)["direct_fdm"])
    try:
        found = outline_posterior(domain, inverse, direct, sampling_of(asked))
    except NoOutlineError as error:
        write_npz(arrays(files.posterior))
        write_sealed(files.posterior, {"reason": str(error)})
        return
    world = np.array([domain.to_world(x0) for x0 in found.x0])
    maps = {name: value.astype(np.float32) for name, value in asdict(found.maps).items()}
    write_npz(
        arrays(files.posterior),
        **found.growth,
        **found.thresholds,
        x0_mm=world,
        weights=found.weights,
        **maps,
    )
    write_sealed(files.posterior, record(found))


def sampling_of(asked: UncertaintySettings) -> Sampling:
    """How the settings want it sampled."""
    noise = asked.noise
    return Sampling(asked.samples, noise.floor_mm, noise.factor, asked.infiltrated_above)


def record(found: OutlinePosterior) -> dict[str, object]:
    """What is written of it beside its samples."""
    names = (
        "extents", "noise_mm", "misfit_mm", "lost_outline", "effective_sample_size", "sampler",
        "flags", "seconds",
    )  # fmt: skip
    return {name: getattr(found, name) for name in names}
