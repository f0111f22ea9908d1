"""Unknown boundary values: BiLO against bi-level PINNs (paper, section 4.7, figure 19)."""

from benchmarks.design.experiment import ALL, Budget, Experiment, Grid, Training
from benchmarks.design.headline import Headline

BUDGET = Budget(1000, 200, points=ALL)
NESTED = Budget(1000, 100 * 64, points=ALL)
"""Of BPN, which takes 64 lower steps to one upper step."""

EXPERIMENT = Experiment(
    name="bpn",
    summary="Unknown boundary values of y'' = 2: iterations to the target, BiLO and BPN",
    grids={
        profile: (
            Grid(("bilo",), seeds, boundary=("hard", "soft")),
            Grid(("bpn",), seeds, boundary=("soft",)),
            Grid(("direct_fit",), seeds),
        )
        for profile, seeds in (("quick", (0,)), ("full", (0, 1, 2, 3, 4)))
    },
    recipe="paper",
    training=Training(width=50, layers=4, upper_rate=0.05, history_every=1),
    budgets={
        (name, profile): budget
        for name, budget in (("paper", BUDGET), ("bpn", NESTED))
        for profile in ("quick", "full")
    },
    target=0.01,
    figures=("bpn",),
    headlines=(
        Headline(
            "steps until both numbers are within 1 %",
            ("iterations_to_target",),
            published="iterations_to_target",
            unit="",
        ),
    ),
    columns=(
        "rel. errors",
        "iterations to target",
        "seconds to target",
        "u rel. L2 vs FDM",
        "seconds",
    ),
    remarks=(
        "Iterations are lower-level steps of the fine-tuning until both errors are below 0.01 for "
        "the first time; 1,000 steps of pretraining at the start (1, 1) come before.",
        "`soft` boundary values are a loss, as in the source of BPN; `hard` ones are imposed by "
        "the transform.",
        "The published seconds are of another machine.",
    ),
)
