"""What an experiment is: the runs of each profile, their budgets, what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.setting import Setting

METHODS = ("bilo", "pinn", "direct_fit")


@dataclass(frozen=True)
class Budget:
    """Steps of the two phases, and residual points a step (None: the problem's full set)."""

    pretrain_steps: int
    finetune_steps: int
    points: int | None


@dataclass(frozen=True)
class Grid:
    """The runs of one profile: all combinations."""

    seeds: tuple[int, ...]
    noise: tuple[float, ...]
    w_dat: tuple[float, ...]
    recipes: tuple[str, ...] = ("fast",)


@dataclass(frozen=True)
class Experiment:
    """An experiment over an inverse problem.

    Attributes
    ----------
    name : str
        Also that of the problem in `bilo.problems`.
    summary : str
        One line.
    methods : tuple of str
        Modules of `bilo.methods`.
    grids : mapping of profile to Grid
    w_dat : float
        Weight of a PINN's data loss where none is asked for.
    budgets : mapping of (recipe, profile) to Budget
        The missing ones are the recipe's own (`bilo.settings`).
    regularised : bool
        Whether an unknown function has a regulariser, and so ``--w-reg`` a meaning.
    remarks : tuple of str
        Printed under the table.
    """

    name: str
    summary: str
    methods: tuple[str, ...] = METHODS
    grids: Mapping[str, Grid] = field(
        default_factory=lambda: {
            "quick": Grid((0,), (0.0,), (10.0,)),
            "full": Grid((0, 1, 2, 3, 4), (0.0,), (1.0, 10.0, 100.0)),
        }
    )
    w_dat: float = 10.0
    budgets: Mapping[tuple[str, str], Budget] = field(default_factory=dict)
    regularised: bool = False
    remarks: tuple[str, ...] = ()

    def setting(self, method: str, **values: object) -> Setting:
        """A run of a method with this experiment's defaults."""
        if method == "pinn" and values.get("w_dat") is None:
            values["w_dat"] = self.w_dat
        return Setting(self.name, method, **values)  # type: ignore[arg-type]

    def plan(self, profile: str) -> tuple[Setting, ...]:
        """All runs of a profile."""
        grid = self.grids[profile]
        runs: list[Setting] = []
        for noise in grid.noise:
            for seed in grid.seeds:
                for method in self.methods:
                    trained = method != "direct_fit"
                    for w_dat in grid.w_dat if method == "pinn" else (None,):
                        for recipe in grid.recipes if trained else ("fast",):
                            runs.append(
                                self.setting(
                                    method,
                                    seed=seed,
                                    noise=noise,
                                    w_dat=w_dat,
                                    recipe=recipe,
                                    profile=profile,
                                )
                            )
        return tuple(runs)
