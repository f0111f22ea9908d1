"""What one scan tells of the parameters: profile and surface about the direct fit."""

from __future__ import annotations

from gbm.domain.domain import load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.posterior import landscape
from gbm.posterior.mode import start_of
from gbm.posterior.objective import OutlineObjective, with_outlines
from gbm.search.coarse_search import Candidate
from gbm.search.identifiability import profile, surface


def run(job: Job) -> None:
    """Write `identifiability.json`: `profile`, `surface` (settings objective, bounds, growth)."""
    files, domain = job.files, load_domain(job.files.domain)
    direct = read_sealed(files.baselines)["direct_fdm"]
    best, given = Candidate.of(direct), GrowthInverseProblem.of(domain, job.settings)
    inverse = with_outlines(domain, given, direct["first_mode"])
    if isinstance(inverse.outlines, OutlineObjective):
        posterior = inverse.outlines.posterior
        mode = start_of(best, posterior)
        found = {
            "profile": landscape.profile(posterior, mode),
            "surface": landscape.surface(posterior, mode),
        }
    else:
        found = {
            "profile": profile(domain, best, inverse),
            "surface": surface(domain, best, inverse),
        }
    write_sealed(files.identifiability, found)
