"""A solution as a file: tensors in safetensors, everything else as JSON in its header."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilo.inverse.cells import on_cells
from bilo.inverse.directions import started_as_basis
from bilo.inverse.identity import digest
from bilo.inverse.likelihood import Likelihood
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.networks.branch_trunk import DeepONet
from bilo.networks.network import Network, OperatorNetwork
from bilo.networks.response import ResponseNetwork
from bilo.training import checkpoint
from bilo.training.checks import Check
from bilo.training.linearised import Linearised

if TYPE_CHECKING:
    from bilo.training.solution import Solution

FORMAT = 1
NETWORKS = {kind.__name__: kind for kind in (OperatorNetwork, DeepONet, ResponseNetwork)}
RESTATED: tuple[Callable[[Problem], Problem], ...] = (lambda same: same, started_as_basis, on_cells)
"""What recipes make of a problem: its functions otherwise represented, the problem the same."""
APART = ("unknowns", "network", "checks", "problem", "linearised", "history", "assessment")
"""Fields of a solution that are no plain value or tensor."""


def save(solution: Solution, path: Path) -> None:
    """Write a solution, atomically.

    Raises
    ------
    ValueError
        If it has no problem, or is one of nodal values.
    OSError
        If the file cannot be written.
    """
    problem = solution.problem
    if problem is None or (solution.network is None and problem.functions):
        raise ValueError(
            f"a solution of {solution.method} that is a function of nodal values is not saved: "
            "see to_json"
        )
    names = (f.name for f in fields(solution) if f.name not in APART)
    tree = {
        "format": FORMAT,
        "name": problem.name,
        "problem": _identity(problem),
        "starts": _starts(problem),
        "network": None if solution.network is None else _stored_network(solution.network),
        "checks": [c.to_json() for c in solution.checks],
        "linearised": _stored_linearised(solution.linearised),
        "history": {k: list(v) for k, v in solution.history.items()},
        "assessment": dict(solution.assessment),
        "fields": {name: getattr(solution, name) for name in names},
    }
    checkpoint.save(path, tree)


def read(path: Path, problem: Problem) -> dict[str, Any]:
    """What a solution is made of, by name, from a file.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it holds no solution, or that of another problem.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    tree = checkpoint.load(path)
    if tree is None or "fields" not in tree:
        raise ValueError(f"{path} holds no solution; Solution.save writes one")
    if tree["format"] != FORMAT:
        raise ValueError(f"{path} was written by another version (format {tree['format']})")
    problem = _as_solved(problem, tree, path)
    if tree["starts"] != _starts(problem):
        problem = _starting(problem, tree["starts"])
    return {
        **tree["fields"],
        "unknowns": problem.from_params(tree["fields"]["params"]),
        "network": None if tree["network"] is None else _network(tree["network"], problem),
        "checks": tuple(Check(**c) for c in tree["checks"]),
        "history": tree["history"],
        "assessment": tree["assessment"],
        "problem": problem,
        "linearised": _linearised(tree["linearised"]),
    }


def _as_solved(problem: Problem, tree: dict[str, Any], path: Path) -> Problem:
    """The problem with its functions represented as in a file."""
    for restated in RESTATED:
        if tree["problem"] == _identity(found := restated(problem)):
            return found
    raise ValueError(
        f"{path} holds the solution of another problem ({tree['name']}): its equation, "
        f"unknowns or attributes are not those of this {problem.name}"
    )


def _identity(problem: Problem) -> str:
    """Of the problem, wherever its scalars start: several starts move that."""
    own = problem.identity()
    if problem.scalars and isinstance(own, list):
        own = _starting(problem, [[k.bounds[0], 1.0] for k in problem.scalars]).identity()
    return digest([problem.name, own])


def _starts(problem: Problem) -> list[list[float]]:
    return [[k.start, k.unit] for k in problem.scalars]


def _starting(problem: Problem, starts: list[list[float]]) -> Problem:
    """The problem with other starts and units of its scalars."""
    rest, found = iter(starts), []
    for k in problem.unknowns:
        if isinstance(k, Scalar):
            start, unit = next(rest)
            k = replace(k, start=start, scale=unit)
        found.append(k)
    moved = copy.copy(problem)
    moved.unknowns, moved._at_start = tuple(found), None
    return moved


def _stored_network(network: Network) -> dict[str, Any]:
    return {
        "kind": type(network).__name__,
        "size": network.size(),
        "weights": dict(network.state_dict()),
    }


def _network(stored: dict[str, Any], problem: Problem) -> Network:
    kind: Any = NETWORKS[stored["kind"]]
    network: Network = kind(problem, **stored["size"], seed=0)
    like = next(v for v in stored["weights"].values() if v.is_floating_point())
    network = network.to(like.dtype)
    network.load_state_dict(stored["weights"])
    return network


def _stored_linearised(linear: Linearised | None) -> dict[str, Any] | None:
    if linear is None:
        return None
    points = linear.points
    return {
        **{f.name: getattr(linear, f.name) for f in fields(linear)},
        "points": [dict(points.coordinates), dict(points.known)],
        "likelihood": vars(linear.likelihood),
    }


def _linearised(stored: dict[str, Any] | None) -> Linearised | None:
    if stored is None:
        return None
    points, likelihood = Points(*stored["points"]), Likelihood(**stored["likelihood"])
    return Linearised(**{**stored, "points": points, "likelihood": likelihood})
