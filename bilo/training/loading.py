"""A solution from a file."""

from __future__ import annotations

from pathlib import Path

from bilo.inverse.problem import Problem
from bilo.training import storage
from bilo.training.solution import Solution


def load(path: Path | str, problem: Problem) -> Solution:
    """Read a solution that `Solution.save` wrote, to the bit.

    Parameters
    ----------
    path : Path
    problem : Problem
        What it solves: a file knows its equation by a hash alone.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it holds no solution, or that of another problem.
    """
    return Solution(**storage.read(Path(path), problem))
