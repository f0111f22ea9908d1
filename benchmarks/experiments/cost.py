"""Cost of a step and time to a solution (paper, section 5)."""

from benchmarks.design.experiment import Experiment, Grid
from benchmarks.design.setting import ALL

TIMED = "fisher_kpp"
"""The problem whose whole fits are timed."""

EXPERIMENT = Experiment(
    name="cost",
    summary="Seconds and memory of a step, the engine against nested autograd, time to a solution",
    grids={profile: (Grid((ALL,)),) for profile in ("quick", "full")},
    module="benchmarks.cost.study",
    problems=(TIMED, "particles", "poisson", "heat"),
    figures=("cost",),
    headlines=(),
    remarks=(
        "A step is loss, gradient by the weights and an Adam update on the problem's full set of "
        "points (Fisher-KPP and heat 51 x 51, Poisson 101, particles 100 and the jump), float32, "
        "one thread; medians of runs that take turns in one process. Memory is the increase of a "
        "fresh process's peak by three steps.",
        "A step of a PINN includes the data loss, at the 3,000 positions of the particles, and of "
        "an unknown function the regulariser and the gradient by its weights; data, regulariser "
        "and function of BiLO belong to its upper level, which is not in the step.",
        "`nested` is one autograd call a derivative; `nested, economical` shares passes between "
        "derivatives.",
        "Time to a solution: CPU seconds of a whole fit from random weights, pretraining and "
        "the check by the numerical solution included; a search from further starts by the "
        "numerical solution (`start_grid`) adds the seconds of `direct_fit`. The fits are "
        "shorter than those of `fisher_kpp`: `fast` takes 100 and 350 steps on 196 points, `lm` "
        "twelve neurons a layer. That is enough without noise; with noise of 0.01 such a short "
        "`fast` was up to 2.6 % from the direct fit.",
        "The published numbers (Table 6) are of a Quadro RTX 8000 and of the paper's "
        "implementation.",
    ),
)
