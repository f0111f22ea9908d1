"""The check of the theorem on the approximate gradient (paper, section 3)."""

from benchmarks.experiment import Experiment, Grid
from benchmarks.setting import ALL

EXPERIMENT = Experiment(
    name="theory",
    summary="The gradient through the network's input against the exact hypergradient",
    grids={profile: (Grid((ALL,)),) for profile in ("quick", "full")},
    module="benchmarks.theory",
    problems=("poisson_scalar", "fisher_kpp"),
    figures=("theory",),
)
