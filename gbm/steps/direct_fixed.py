"""The direct fit with the origin fixed: the reference of the network that has it, too."""

from __future__ import annotations

from gbm.domain.domain import load_domain
from gbm.growth.characteristic import Characteristic
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.posterior.by_objective import direct_fit
from gbm.steps.baselines import fit_record


def run(job: Job) -> None:
    """Write `direct_fixed.json` (settings objective, bounds, growth and verify).

    It holds what `direct_fdm` holds in `baselines.json`.
    """
    files, domain = job.files, load_domain(job.files.domain)
    start = Characteristic.from_json(read_sealed(files.characteristic))
    inverse, refine = GrowthInverseProblem.of(domain, job.settings), job.settings.verify.refine
    found = direct_fit(domain, start, inverse, origin="fixed", refine=refine)
    write_sealed(files.direct_fixed, fit_record(domain, found))
