"""A search of nodal values: where it starts, what it notes on the way, how it is judged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.solvers.discretised import Array
from bilo.training.checks import CONVERGED, Check, status_of, warnings_of
from bilo.training.data_checks import noise, structure
from bilo.training.loop import peak_memory_mb
from bilo.training.solution import Solution


def nodal_of(problem: Problem, data: Objective) -> Nodal:
    """The discretised inverse problem of data.

    Raises
    ------
    ValueError
        If the problem has none, or the data are no least squares.
    """
    found = problem.nodal(data) if isinstance(data, LeastSquares) else None
    if found is None:
        raise ValueError(
            f"{problem.name} has no discretised inverse problem for {type(data).__name__}: "
            "take bilo, pinn or direct_fit"
        )
    return found


class Search:
    """Objective by objective towards a minimum of a discretised inverse problem.

    Attributes
    ----------
    start : ndarray
        Nodal values of the problem's first guess.
    scale : float
        Largest entry of the projected gradient there.
    """

    def __init__(self, nodal: Nodal, data: Objective, w_reg: float) -> None:
        self._began = time.perf_counter()
        self._nodal, self._data, self._w_reg = nodal, data, w_reg
        self.start = nodal.start()
        objective, gradient = nodal.objective(self.start, w_reg)
        self.scale = nodal.slope(self.start, gradient)
        self._objectives = [objective]

    def note(self, objective: float) -> None:
        """The objective after a step."""
        self._objectives.append(objective)

    def solution(self, method: str, z: Array, tolerance: float) -> Solution:
        """The answer; a minimum where the projected gradient fell below `tolerance` of the start's.

        It is judged again, at the answer itself.
        """
        _, gradient = self._nodal.objective(z, self._w_reg)
        left = self._nodal.slope(z, gradient) / self.scale
        words = f"the gradient fell to {left:.1g} of its start"
        found = Check("optimum", left <= tolerance, f"{words}, not {tolerance:g}")
        checks = [found, *judged(self._nodal, self._data, z, self._w_reg)]
        seconds = time.perf_counter() - self._began
        numbers = {"relative_gradient": left}
        return answer(method, self._nodal, z, seconds, numbers, checks, self._objectives)


def judged(nodal: Nodal, data: Objective, z: Array, w_reg: float) -> list[Check]:
    """Nodal values against the data.

    They are as many as the data, or more: without a regulariser many functions meet the data as
    well, and most are noise. Which weight it should have is tested where the noise is known.
    """
    u = torch.from_numpy(nodal.forward(z)[0])
    words = "a regulariser holds the function"
    if not w_reg:
        words = "no regulariser holds the function: what noise does to it is not known"
    held = Check("regulariser", True if w_reg else None, words)
    return [noise(data, u, None), structure(data, u), held]


def answer(
    method: str,
    nodal: Nodal,
    z: Array,
    seconds: float,
    numbers: Mapping[str, Any],
    checks: Sequence[Check],
    objectives: Sequence[float] = (),
) -> Solution:
    """The `Solution` that nodal values are.

    Parameters
    ----------
    numbers : mapping
        Of the method's own, for the assessment.
    checks : sequence of Check
    objectives : sequence of float
        At the start and after each step.
    """
    steps = max(len(objectives) - 1, 1)
    status = status_of(checks, confirmed=all(c.passed for c in checks if c.name == "regulariser"))
    return Solution(
        method=method,
        unknowns={nodal.unknown.name: nodal.function(z)},
        params=torch.from_numpy(z.ravel().copy()),
        data_loss=nodal.data_loss(z),
        converged=status == CONVERGED,
        status=status,
        checks=tuple(checks),
        warnings=warnings_of(checks),
        assessment={
            "nodes": list(z.shape),
            "regulariser": nodal.regulariser(z)[0],
            **numbers,
        },
        history={
            "step": [float(n) for n in range(len(objectives))],
            "objective": list(objectives),
        },
        steps=steps,
        seconds=seconds,
        seconds_per_step=seconds / steps,
        peak_memory_mb=peak_memory_mb(torch.device("cpu")),
    )
