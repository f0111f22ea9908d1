"""What one scan tells of the parameters: profile, surface and spread about the direct fit."""

from __future__ import annotations

from gbm.domain.domain import load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.search.coarse_search import Candidate
from gbm.search.identifiability import REDRAWN, local_spread, profile, surface


def run(job: Job) -> None:
    """Write `identifiability.json` (settings objective, bounds, growth and verify).

    It holds `profile`, `surface` and `spread`, which a volume has none of: a loss of Dice is no
    probability, and its cells are too large for the sums.
    """
    files, domain = job.files, load_domain(job.files.domain)
    inverse = GrowthInverseProblem.of(domain, job.settings)
    best = Candidate.of(read_sealed(files.baselines)["direct_fdm"])
    spread = None
    if domain.dimensions == 2:
        spread = {"dice_loss": REDRAWN, **local_spread(domain, best, inverse)}
    write_sealed(
        files.identifiability,
        {
            "profile": profile(domain, best, inverse),
            "surface": surface(domain, best, inverse),
            "spread": spread,
        },
    )
