"""Verify one fit of one patient by finite volumes."""

from __future__ import annotations

from gbm.config.fit_names import FitSpec
from gbm.domain.domain import load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.records import FitResult
from gbm.growth.verification import verify
from gbm.io.files import read_npz, read_sealed, write_npz, write_sealed
from gbm.io.job import Job
from gbm.io.layout import arrays
from gbm.posterior.objective import with_outlines
from gbm.results.direct_record import direct_record


def run(job: Job, name: str) -> None:
    """Verify one fit (settings growth, objective, bounds and verify).

    Written: `verify/<name>.json` and its arrays, `u_fdm` and `u_network` on the voxels.
    """
    files, domain = job.files, load_domain(job.files.domain)
    stored = read_npz(arrays(files.fit(name)))
    direct = direct_record(files, FitSpec.parse(name))
    given = GrowthInverseProblem.of(domain, job.settings)
    found, u_fdm, u_voxels = verify(
        domain,
        FitResult.from_json(read_sealed(files.fit(name))),
        stored["u"].astype(float),
        stored["times"].astype(float),
        with_outlines(domain, given, direct["first_mode"]),
        refine=job.settings.verify.refine,
        max_disagreement=job.settings.verify.max_disagreement,
    )
    write_sealed(files.verified(name), found.to_json())
    write_npz(arrays(files.verified(name)), u_fdm=u_fdm, u_network=u_voxels)
