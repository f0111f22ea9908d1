"""A source confined to a disc, and the screening beside it."""

from benchmarks.design.experiment import Experiment, Grid, Training
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)

EXPERIMENT = Experiment(
    name="source",
    summary="Screened Poisson: a source on a disc and k from u at 20 x 20 points, from f = 0",
    grids={
        "quick": (Grid(("bilo",), (0,), (1e-2,)),),
        "full": (Grid(("bilo",), SEEDS, (1e-2,)),),
    },
    recipe="varpro",
    training=Training(width=300),
    w_reg=(1e-9, 1e-9),
    measures=("best_penalty",),
    figures=("losses",),
    headlines=(
        Headline(
            "error of the source, noise 1 %",
            ("unknowns.f.rel_error",),
            noise=1e-2,
            classical="best_penalty.f",
        ),
    ),
    columns=(
        "rel. errors",
        "max. error",
        "rel. L2 error",
        "of best penalty",
        "u rel. L2 vs FDM",
        "L_dat",
        "seconds",
    ),
    remarks=(
        "Noise is 1 % of the largest u. `of best penalty`: the error of the best of ten penalties "
        "on |grad f|, f zero at the disc's rim.",
        "Not of the paper: with the derivative by a shift of f alone the source is not found at "
        "all.",
    ),
)
