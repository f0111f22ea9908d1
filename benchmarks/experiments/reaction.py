"""A reaction r(u) as an unknown function of the solution."""

from benchmarks.design.experiment import Experiment, Grid
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)

EXPERIMENT = Experiment(
    name="reaction",
    summary="Reaction-diffusion: r(u) from u at 51 places and 11 times, from r = 0",
    grids={
        "quick": (Grid(("bilo",), (0, 1), (0.0, 1e-2)),),
        "full": (Grid(("bilo",), SEEDS, (0.0, 1e-2)),),
    },
    recipe="varpro",
    w_reg=(0.0, 1e-6),
    measures=("best_penalty",),
    figures=("losses",),
    headlines=(
        Headline(
            "error of the reaction, no noise",
            ("unknowns.r.rel_error",),
            classical="best_penalty.r",
        ),
        Headline(
            "error of the reaction, noise 0.01",
            ("unknowns.r.rel_error",),
            noise=1e-2,
            classical="best_penalty.r",
        ),
    ),
    columns=(
        "max. error",
        "rel. L2 error",
        "of best penalty",
        "u rel. L2 vs FDM",
        "L_dat",
        "seconds",
    ),
    remarks=(
        "Errors of r over the values of u that the data hold. `of best penalty`: the error of the "
        "best of ten cubic splines of 12 nodes with a penalty on r''; the truth is a cubic, which "
        "such a spline holds exactly.",
        "Not of the paper: a function of the solution.",
    ),
)
