"""Fisher-KPP with two unknown scalars (paper, section 4.1, figures 2, 8-11)."""

from benchmarks.design.experiment import ALL, ENOUGH, Budget, Experiment, Grid
from benchmarks.design.headline import Headline

SEEDS = (0, 1, 2, 3, 4)
NOISE = (0.0, 1e-3, 1e-2, 1e-1)
TRUTHS = (
    (("D", 1.5), ("rho", 0.7)),
    (("D", 3.0), ("rho", 1.0)),
    (("D", 0.5), ("rho", 3.0)),
)

FAST = Budget(200, 450, points=256, start_grid=3)
LM = Budget(30, 100, points=ENOUGH, start_grid=3)
"""The recipes' own, and the starts of the direct fit."""
DEEPONET = Budget(2000, 400, points=196)
"""Of its training on solutions of the solver, and of the inversion."""

EXPERIMENT = Experiment(
    name="fisher_kpp",
    summary="Fisher-KPP: D and rho from u(x, 1) at 11 points, from (1, 1) to (2, 2)",
    grids={
        "quick": (
            Grid(("bilo",), (0, 1), (0.0, 1e-2)),
            Grid(("pinn",), (0, 1), (0.0, 1e-2), w_dat=(10.0,)),
            Grid(("deeponet",), (0,), (0.0, 1e-2), samples=("coarse",)),
            Grid(("direct_fit",), (0, 1), (0.0, 1e-2)),
            Grid(("bilo",), (0,), truths=TRUTHS),
        ),
        "full": (
            Grid(("bilo",), SEEDS, NOISE, recipes=("fast", "lm", "paper")),
            Grid(("pinn",), SEEDS, NOISE, w_dat=(1.0, 10.0, 100.0), recipes=("fast", "paper")),
            Grid(("deeponet",), SEEDS, NOISE, samples=("coarse", "dense")),
            Grid(("direct_fit",), SEEDS, NOISE),
            Grid(("bilo",), tuple(range(10)), truths=TRUTHS),
        ),
    },
    budgets={
        ("fast", "quick"): FAST,
        ("fast", "full"): FAST,
        ("lm", "quick"): LM,
        ("lm", "full"): LM,
        ("paper", "quick"): Budget(500, 1500, points=ALL),
        ("paper", "full"): Budget(10_000, 50_000, points=ALL),
        ("deeponet", "quick"): DEEPONET,
        ("deeponet", "full"): DEEPONET,
    },
    figures=("errors", "histories", "losses", "trajectories", "operator"),
    headlines=(
        Headline(
            "error of D and rho, no noise",
            truth=(("D", 2.0), ("rho", 2.0)),
            unpublished="figures only",
        ),
        Headline(
            "error of D and rho, noise 0.01",
            noise=1e-2,
            truth=(("D", 2.0), ("rho", 2.0)),
            unpublished="figures only",
        ),
    ),
    columns=(
        "rel. errors",
        "vs fit",
        "u rel. L2 vs FDM",
        "seconds",
    ),
    remarks=(
        "The paper shows this experiment in figures only; it prints no number to put beside ours.",
        "Not recoverable from the paper, our choice: the grid of 51 x 51 residual points, the "
        "noise levels, the weights of the PINN, the samples of the DeepONet, w_rgrad = 0.1.",
        "With noise the data's own optimum is far from the truth along the valley of D: judge the "
        "columns `vs fit`, relative to the classical direct fit of the same data.",
        "Second minima are real: truth (2, 2) has one near (3.9, 2.4), (0.5, 3) one at "
        "(1.33, 3.25).",
    ),
)
