"""Particles born at a point: a Poisson process with singular forcing (paper, section 4.2)."""

from benchmarks.design.experiment import ALL, Budget, Experiment, Grid
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)

EXPERIMENT = Experiment(
    name="particles",
    summary="Particles: birth rate and decay rate from the positions in 100 snapshots",
    grids={
        "quick": (
            Grid(("bilo", "direct_fit"), (0, 1)),
            Grid(("pinn",), (0, 1), w_dat=(1e-2, 1e-3, 1e-1)),
        ),
        "full": (
            Grid(("bilo",), SEEDS, recipes=("fast", "paper")),
            Grid(("direct_fit",), SEEDS),
            Grid(
                ("pinn",),
                SEEDS,
                w_dat=(1e-4, 1e-3, 1e-2, 1e-1, 1.0),
                recipes=("fast", "paper"),
            ),
        ),
    },
    budgets={
        ("paper", "quick"): Budget(500, 1500, points=ALL),
        ("paper", "full"): Budget(10_000, 50_000, points=ALL),
    },
    figures=("particles", "histories", "losses"),
    headlines=(
        Headline("error of both rates, chance of the draw included", unpublished="figures only"),
    ),
    columns=(
        "rel. errors",
        "vs fit",
        "u rel. L2 vs FDM",
        "L_dat",
        "seconds",
    ),
    remarks=(
        "`direct_fit` is the exact maximum-likelihood estimate: its field is the closed form. "
        "Judge the columns `vs fit`: the estimate itself differs from the truth by the chance of "
        "the draw, as any estimate from these particles must.",
        "L_dat is the negative log-likelihood without its constant; it may be negative.",
        "The seed draws the particles and the network.",
        "Not recoverable from the paper, our choice: the start (250, 5), the weights of the PINN.",
    ),
)
