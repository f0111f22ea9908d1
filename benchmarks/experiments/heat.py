"""Heat equation, unknown initial condition (paper, section 4.4, tables 4 and 5, figures 15, 16)."""

from benchmarks.design.experiment import ALL, ENOUGH, Budget, Experiment, Grid, Training
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)
NOISE = 0.0316228
"""Variance 1e-3."""
LM = Budget(30, 400, points=ENOUGH)
"""Without noise the fifth mode needs as many; with it a fit ends long before."""
PAPER = Budget(10_000, 10_000, points=ALL)

EXPERIMENT = Experiment(
    name="heat",
    summary="Heat: the initial condition f(x) from u(x, 1) at 51 points, from a sine to a hat",
    grids={
        "quick": (
            Grid(("bilo",), SEEDS, (0.0, NOISE), recipes=("lm",)),
            Grid(("tikhonov",), SEEDS, (0.0, NOISE)),
            Grid(("pinn",), (0,), (0.0,), w_dat=(10.0, 1000.0), recipes=("fast",)),
            Grid(("pinn",), (0,), (NOISE,), w_dat=(10.0, 1000.0), recipes=("fast",)),
        ),
        "full": (
            Grid(("bilo",), SEEDS, (0.0, NOISE), recipes=("lm", "fast", "paper")),
            Grid(("tikhonov",), SEEDS, (0.0, NOISE)),
            Grid(("pinn",), SEEDS, (0.0,), w_dat=(0.1, 10.0, 1000.0), recipes=("fast", "paper")),
            Grid(
                ("pinn",), SEEDS, (NOISE,), w_dat=(10.0, 100.0, 1000.0), recipes=("fast", "paper")
            ),
        ),
    },
    recipe="lm",
    own={("bilo", "lm"): Training(width=20)},
    budgets={
        ("lm", "quick"): LM,
        ("lm", "full"): LM,
        ("paper", "quick"): Budget(500, 500, points=ALL),
        ("paper", "full"): PAPER,
    },
    w_reg=(0.0, 1e-2),
    reference="tikhonov",
    figures=("functions", "losses", "pretrained"),
    headlines=(
        Headline(
            "largest error of the start, no noise",
            ("field_error.linf",),
            published="field_error.linf",
        ),
        Headline(
            "largest error of the start, noise 0.03",
            ("field_error.linf",),
            noise=NOISE,
            published="field_error.linf",
        ),
    ),
    columns=(
        "max. error",
        "rel. L2 error",
        "mean square error",
        "u rel. L2 vs FDM",
        "L_dat",
        "seconds",
    ),
    remarks=(
        "`tikhonov` is the classical control, in closed form and float64: linear Tikhonov "
        "regularisation at the same weight, and without one a truncated sine series.",
        "Errors of f at 1,001 points.",
        "Not recoverable from the paper, our choice: the diffusivity 0.01, the variance 1e-3 and "
        "the weight 1e-2 of the runs with noise.",
    ),
)
