"""What every classical method of one unknown function takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bilo.classical.nodal_search import nodal_of
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.training.session import Session
from bilo.training.solution import Solution


@dataclass(frozen=True)
class NodalMethod(ABC):
    """A method for the nodal values of the one function of a discretised inverse problem.

    Attributes
    ----------
    w_reg : float
        Weight of the problem's regulariser.
    """

    name: ClassVar[str]

    w_reg: float = 0.0

    def fit(self, problem: Problem, data: Objective, session: Session | None = None) -> Solution:
        """Infer the unknown function of a problem.

        A session, which every method takes, has nothing to say here.

        Raises
        ------
        ValueError
            If the problem has no discretised inverse problem, or none that the method solves.
        """
        return self._solved(nodal_of(problem, data), data)

    @abstractmethod
    def _solved(self, nodal: Nodal, data: Objective) -> Solution:
        """The answer for a discretised inverse problem."""
