"""What a checkpoint must agree with to be continued."""

from __future__ import annotations

from bilo.inverse.identity import digest
from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.methods._network_method import NetworkMethod
from bilo.training.session import Session


def fingerprint(method: NetworkMethod, problem: Problem, data: Objective, session: Session) -> str:
    """Hash of the method with its budget, the seed, the equation, the unknowns and the data."""
    return digest([method, session.seed, problem.identity(), data.identity()])
