"""Predator and prey: four rates from both species, a system of two fields."""

from benchmarks.design.experiment import Experiment, Grid
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)
NOISE = 0.05
"""Of each species' mean."""

EXPERIMENT = Experiment(
    name="lotka_volterra",
    summary="Lotka-Volterra: four rates from both species at 40 times, from (1, .5, .5, .15)",
    grids={
        "quick": (Grid(("bilo", "direct_fit"), (0, 1), (NOISE, 0.0)),),
        "full": (Grid(("bilo", "direct_fit"), SEEDS, (NOISE, 0.0)),),
    },
    recipe="lm",
    headlines=(Headline("error of four rates, noise 5 %", noise=NOISE),),
    columns=(
        "rel. errors",
        "u rel. L2 vs FDM",
        "seconds",
    ),
    remarks=(
        "Noise is 5 % of each species' mean. `direct_fit` starts from 82 places, and is what a "
        "practitioner would use: the rates of four scalars are no case for a network.",
        "Not of the paper: a system of two fields.",
    ),
)
