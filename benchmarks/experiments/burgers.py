"""Inviscid Burgers, unknown initial condition (paper, section 4.5, figures 5 and 17)."""

from benchmarks.experiment import Budget, Experiment, Grid, Training

EXAMPLES = ((("f", 1.0),), (("f", 2.0),))
"""sin 4 pi x; 1 on [0.3, 0.6]."""
TRAINING = Training()
OWN = {("bilo", "fast"): Training(), ("pinn", "fast"): Training()}
BUDGET = Budget(500, 2000, points=512)
"""Of recipe `fast`."""

EXPERIMENT = Experiment(
    name="burgers",
    summary="Burgers: the initial condition f(x) from u(x, 1) at 101 points, through shocks",
    grids={
        "quick": (
            Grid(("bilo", "adjoint"), (0,), truths=EXAMPLES),
            Grid(("pinn",), (0,), truths=EXAMPLES, w_dat=(10.0,)),
        ),
        "full": (
            Grid(("bilo", "adjoint"), (0, 1, 2, 3, 4), truths=EXAMPLES, w_reg=(1e-3, 1e-4, 1e-5)),
            Grid(("bilo",), (0, 1, 2, 3, 4), truths=EXAMPLES, recipes=("paper",)),
            Grid(
                ("pinn",),
                (0, 1, 2, 3, 4),
                truths=EXAMPLES,
                w_dat=(1.0, 10.0, 100.0),
                recipes=("fast", "paper"),
            ),
        ),
    },
    training=TRAINING,
    own=OWN,
    budgets={
        ("fast", "quick"): BUDGET,
        ("fast", "full"): BUDGET,
        ("paper", "quick"): Budget(500, 500, points=None),
        ("paper", "full"): Budget(5000, 5000, points=None),
    },
    w_reg=(1e-3, 1e-3),
    reference="adjoint",
    measures=("final_time",),
    figures=("burgers", "losses"),
    remarks=(
        "The paper shows this experiment in figures only; it prints no number to put beside ours.",
        "`u(x, 1) rel. L1` compares the represented u(x, 1) with the data, `of FDM` that of "
        "Godunov's scheme from the inferred f. Different f have the same u(x, 1) where "
        "characteristics ran into a shock: an error of f says little there.",
        "`adjoint` is the classical control: the exact gradient of the discrete scheme, the same "
        "data term and regulariser.",
        "`shock error` is the largest distance of a shock from the true one; a cell of a grid of "
        "51 points is 0.02.",
        "Not recoverable from the paper, our choice: both truths, the start, 101 data points.",
    ),
)
