"""What an experiment is: the runs of each profile, their budgets, what was published."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.design.headline import Headline, Truth
from benchmarks.design.setting import Setting

ALL, ENOUGH = "all", "enough"


@dataclass(frozen=True)
class Budget:
    """What a fit may take.

    Attributes
    ----------
    pretrain_steps, finetune_steps : int
    points : int, "all" or "enough"
        Residual points a step; the problem's full set; as many as recipe `lm` needs.
    start_grid : int
        Further starts along each unknown, where the first fit is beaten (`multi_start`).
    """

    pretrain_steps: int
    finetune_steps: int
    points: int | str
    start_grid: int = 0


@dataclass(frozen=True)
class Training:
    """Options of fits beside recipe and budget, see `bilo.methods`.

    Attributes
    ----------
    width, layers, fourier : int or None
        The network.
    rate, upper_rate : float or None
        Rates of the weights and of the unknowns.
    upper_every : int or None
        Steps of the weights to one of the unknowns.
    damping : float or None
        Of an unknown function's Gauss-Newton step.
    w_rgrad : float or None
        Weight of the residual-gradient loss.
    sample_directions : bool or None
        Of that loss.
    history_every : int or None
        Steps between two records of the history.
    """

    width: int | None = None
    layers: int | None = None
    fourier: int | None = None
    rate: float | None = None
    upper_rate: float | None = None
    upper_every: int | None = None
    damping: float | None = None
    w_rgrad: float | None = None
    sample_directions: bool | None = None
    history_every: int | None = None


@dataclass(frozen=True)
class Grid:
    """Runs of some methods: all combinations. None stands for a method without that option."""

    methods: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    noise: tuple[float, ...] = (0.0,)
    truths: tuple[Truth, ...] = ((),)
    w_dat: tuple[float | None, ...] = (None,)
    samples: tuple[str | None, ...] = (None,)
    boundary: tuple[str | None, ...] = (None,)
    w_reg: tuple[float | None, ...] = (None,)
    """None: the experiment's own."""
    recipes: tuple[str, ...] = ()
    """None given: the experiment's own."""


Grids = Mapping[str, tuple[Grid, ...]]


def grids(quick: tuple[int, ...] = (0,), full: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Grids:
    """The usual runs: BiLO, PINNs of three weights in the full profile, direct fit, no noise."""
    return {
        "quick": (Grid(("bilo", "direct_fit"), quick), Grid(("pinn",), quick, w_dat=(10.0,))),
        "full": (
            Grid(("bilo", "direct_fit"), full),
            Grid(("pinn",), full, w_dat=(1.0, 10.0, 100.0)),
        ),
    }


@dataclass(frozen=True)
class Experiment:
    """An experiment over an inverse problem, or a comparison that is one run.

    Attributes
    ----------
    name : str
        Also that of the problem in `bilo.problems`, if it has one of its own.
    summary : str
        One line.
    grids : mapping of profile to Grids
        The first value of an option is its default.
    recipe : str
        Where neither a grid nor the command names one.
    training : Training
        Of all fits.
    own : mapping of (method, recipe) to Training
        Of some, over that of all.
    budgets : mapping of (method or recipe, profile) to Budget
        A method's goes before a recipe's; the missing ones are the recipe's own
        (`Recipe.defaults`).
    target : float or None
        Error of the unknowns whose first iteration is reported.
    w_reg : (float, float) or None
        Weight of the regulariser of an unknown function, for data without and with noise, where
        none is asked for; None: there is no regulariser, and ``--w-reg`` means nothing.
    reference : str
        The classical method that judges the others.
    measures : tuple of str
        What is measured of its unknown function beside the errors, see `MEASURES`.
    module : str
        Its function ``run(setting)`` makes the result.
    problems : tuple of str
        Those it solves; the one of its name by default.
    figures : tuple of str
        Modules of `benchmarks.figures`.
    headlines : tuple of Headline
        Its rows in the opening table of results; none: it is described in words.
    columns : tuple of str
        Of its table on the page of results, see `benchmarks.results.summary.FIELDS`.
    remarks : tuple of str
        Printed under the table.
    """

    name: str
    summary: str
    grids: Grids = field(default_factory=grids)
    recipe: str = "fast"
    training: Training = Training()
    own: Mapping[tuple[str, str], Training] = field(default_factory=dict)
    budgets: Mapping[tuple[str, str], Budget] = field(default_factory=dict)
    target: float | None = None
    w_reg: tuple[float, float] | None = None
    reference: str = "direct_fit"
    measures: tuple[str, ...] = ()
    module: str = "benchmarks.runs.run"
    problems: tuple[str, ...] = ()
    figures: tuple[str, ...] = ("errors", "histories")
    headlines: tuple[Headline, ...] = (Headline(),)
    columns: tuple[str, ...] = ("rel. errors", "u rel. L2 vs FDM", "L_dat", "seconds")
    remarks: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Its methods, the first one being the default."""
        return tuple(dict.fromkeys(m for grid in self._all() for m in grid.methods))

    def choices(self, method: str, option: str) -> tuple[float | str, ...]:
        """Planned values of an option, the default first; none where it means nothing."""
        grids = (grid for grid in self._all() if method in grid.methods)
        values = (value for grid in grids for value in getattr(grid, option))
        return tuple(dict.fromkeys(value for value in values if value is not None))

    def regularisation(self, noise: float, asked: float | str | None = None) -> float | str | None:
        """The weight of the regulariser: as asked for, or the experiment's own."""
        if self.w_reg is None or asked is not None:
            return asked
        return self.w_reg[noise > 0]

    def recipe_of(self, method: str) -> str:
        """A method's recipe where none is asked for: that of its first grid."""
        first = next((grid for grid in self._all() if method in grid.methods), Grid(()))
        return first.recipes[0] if first.recipes else self.recipe

    def budget(self, setting: Setting) -> Budget | None:
        """The budget of a run; None: the recipe's own."""
        for name in (setting.method, setting.recipe):
            if (name, setting.profile) in self.budgets:
                return self.budgets[name, setting.profile]
        return None

    def options(self, setting: Setting) -> dict[str, Any]:
        """What the experiment says of a run's method, by name; the budget with it."""
        own = self.own.get((setting.method, setting.recipe), Training())
        said = {k: v for t in (self.training, own) for k, v in vars(t).items() if v is not None}
        budget = self.budget(setting)
        return said | (vars(budget) if budget else {})

    def plan(self, profile: str) -> tuple[Setting, ...]:
        """All runs of a profile, noise by noise and seed by seed."""
        runs = [run for grid in self.grids[profile] for run in self._runs(grid, profile)]
        return tuple(dict.fromkeys(sorted(runs, key=lambda run: (run.noise, run.seed))))

    def _all(self) -> list[Grid]:
        return [grid for profile in ("quick", "full") for grid in self.grids[profile]]

    def _runs(self, grid: Grid, profile: str) -> list[Setting]:
        combinations = itertools.product(
            grid.methods,
            grid.noise,
            grid.seeds,
            grid.truths,
            grid.w_dat,
            grid.samples,
            grid.boundary,
            grid.w_reg,
            grid.recipes or (self.recipe,),
        )
        return [
            Setting(
                self.name,
                method,
                seed,
                noise,
                truth,
                w_dat,
                samples,
                boundary,
                self.regularisation(noise, w_reg),
                recipe=recipe,
                profile=profile,
            )
            for method, noise, seed, truth, w_dat, samples, boundary, w_reg, recipe in combinations
        ]
