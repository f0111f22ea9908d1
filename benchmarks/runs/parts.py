"""The runs behind the page of results, in parts, the most important first."""

from __future__ import annotations

from benchmarks import experiments
from benchmarks.design.experiment import Experiment
from benchmarks.design.setting import ALL, CLASSICAL, Setting

PARTS = {
    "bilo": "BiLO by its quick recipes, five seeds, and the classical controls",
    "networks": "PINN, DeepONet and bi-level PINNs beside it, their quick recipes",
    "paper": "BiLO by the paper's recipe, its whole budget, one seed; theory and cost",
}
SEEDS = 5


def part_of(declared: Experiment, run: Setting) -> str | None:
    """The part that a run of the full grid belongs to; None: the page does without."""
    if run.method == ALL:
        return "paper"
    if run.seed >= SEEDS:
        return None
    if run.recipe == "paper" != declared.recipe and run.method not in CLASSICAL:
        return "paper" if _is_printed(declared, run) else None
    return "bilo" if run.method in ("bilo", *CLASSICAL) else "networks"


def runs(experiment: str, part: str | None = None) -> tuple[Setting, ...]:
    """Planned runs of an experiment, of all parts or of one."""
    declared = experiments.get(experiment)
    found = ((run, part_of(declared, run)) for run in declared.plan("full"))
    return tuple(run for run, own in found if own and part in (None, own))


def _is_printed(declared: Experiment, run: Setting) -> bool:
    """Whether the opening table has the data of a run of recipe ``paper``, first seed."""
    noises = {row.noise for row in declared.headlines}
    return run.method == "bilo" and run.seed == 0 and run.noise in noises
