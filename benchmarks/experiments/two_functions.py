"""Two unknown functions at once."""

from benchmarks.design.experiment import Experiment, Grid
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)

EXPERIMENT = Experiment(
    name="two_functions",
    summary="Elliptic, two loads: a(x) and b(x) from 49 points a load, from a = 1 and b = 4",
    grids={
        "quick": (Grid(("bilo",), (0, 1), (2e-3,)),),
        "full": (Grid(("bilo",), SEEDS, (2e-3,)),),
    },
    recipe="varpro",
    w_reg=(1e-7, 1e-6),
    measures=("best_penalty",),
    figures=("losses",),
    headlines=(
        Headline(
            "error of a, noise 0.002",
            ("unknowns.a.rel_error",),
            noise=2e-3,
            classical="best_penalty.a",
        ),
        Headline(
            "error of b, noise 0.002",
            ("unknowns.b.rel_error",),
            noise=2e-3,
            classical="best_penalty.b",
        ),
    ),
    columns=(
        "rel. errors",
        "of best penalty",
        "u rel. L2 vs FDM",
        "L_dat",
        "seconds",
    ),
    remarks=(
        "`of best penalty`: errors of the best of ten pairs of penalties on a' and b', by the "
        "product of both. The data hardly determine b: standing still at its start has an error of "
        "0.33.",
        "Not of the paper.",
    ),
)
