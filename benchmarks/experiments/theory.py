"""The check of the theorem on the approximate gradient (paper, section 3)."""

from benchmarks.design.experiment import Experiment, Grid
from benchmarks.design.setting import ALL

EXPERIMENT = Experiment(
    name="theory",
    summary="The gradient through the network's input against the exact hypergradient",
    grids={profile: (Grid((ALL,)),) for profile in ("quick", "full")},
    module="benchmarks.theory.study",
    problems=("poisson_scalar", "fisher_kpp"),
    figures=("theory",),
    remarks=(
        "At the start of each problem, away from the optimum, after 0, 30, .. 3,000 iterations of "
        "L-BFGS on the lower loss; 3 layers of 16, float64.",
        "`cosine` and `norm ratio` compare the gradient through the network's input with the "
        "hypergradient by the implicit function theorem at the same weights: the theorem is about "
        "the term by which these differ, and nothing else differs between them. The columns "
        "`solver` compare it with the gradient of the reduced objective by the numerical solution, "
        "where the error of the network's field counts too.",
        "poisson_scalar has one unknown: its cosine is a sign. The theorem covers it; it does not "
        "cover fisher_kpp, whose linearisation has one solution too.",
        "The error of the sensitivities is the largest, over the unknowns, of the relative L2 "
        "errors of du/dtheta at the data.",
    ),
)
