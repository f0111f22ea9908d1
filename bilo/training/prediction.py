"""The represented field anywhere, at any unknowns: the point of a local operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.chain_rule import by_params
from bilo.inverse.fields import values
from bilo.inverse.function import Function
from bilo.inverse.objective import interleaved
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.networks.branch_trunk import DeepONet
from bilo.networks.network import Network
from bilo.training.linearised import Posterior

CHUNK = 16384
BY_PARAMS = 500
"""Points of a chunk whose derivatives by all params are made."""


@dataclass(frozen=True)
class Prediction:
    """The fields at N points: (N,) tensors on the CPU, (N, fields) of a system.

    Attributes
    ----------
    value : Tensor
    derivatives : mapping of str to Tensor
        Those asked for, by name: ``"t"``, ``"xx"``.
    sensitivities : mapping of str to Tensor
        Derivative by each unknown in its own units; by the value of a function at the point.
    """

    value: Tensor
    derivatives: Mapping[str, Tensor] = field(default_factory=dict)
    sensitivities: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """A number at points with its central interval at a level, (N,) each, float64.

    Attributes
    ----------
    value, sd, low, high : Tensor
    level : float
    """

    value: Tensor
    sd: Tensor
    low: Tensor
    high: Tensor
    level: float

    @classmethod
    def of(cls, posterior: Posterior, value: Tensor, sd: Tensor, level: float) -> Band:
        """Of a normal number, or Student's."""
        half = posterior.quantile(level) * sd
        return cls(value, sd, value - half, value + half, level)


def placed(problem: Problem, points: Points | Mapping[str, Any]) -> Points:
    """Points with what the problem knows there, from the coordinates alone.

    Raises
    ------
    ValueError
        If a coordinate is missing.
    """
    given = points if isinstance(points, Points) else Points(points)
    missing = [c for c in problem.coordinates if c not in given.coordinates]
    if missing:
        raise ValueError(
            f"points lack the coordinate {', '.join(missing)}: {problem.name} has "
            f"{', '.join(problem.coordinates)}"
        )
    return given if given.known else problem.place(given.coordinates)


def params_at(problem: Problem, params: Tensor, theta: Mapping[str, Any]) -> Tensor:
    """Codes (size,) with some of the unknowns at other values; a function is fitted to.

    Raises
    ------
    ValueError
        If there is no such unknown, or a value is outside its bounds.
    """
    names = [k.name for k in problem.unknowns]
    for name in theta:
        if name not in names:
            raise ValueError(f"no unknown {name!r}: {problem.name} has {', '.join(names)}")
    found = []
    for k, part in zip(problem.unknowns, problem.split(params), strict=True):
        if k.name not in theta:
            found.append(part)
        elif isinstance(k, Function):
            found.append(k.fitted(theta[k.name], part))
        elif isinstance(k, Scalar):
            value, (low, high) = float(theta[k.name]), k.bounds
            if not low <= value <= high:
                raise ValueError(f"{k.name}: {value:g} is outside its bounds ({low:g}, {high:g})")
            found.append(torch.tensor([k.to_params(value)], dtype=torch.float64))
    return torch.cat(found)


@torch.no_grad()
def predict(
    network: Network,
    points: Points,
    params: Tensor,
    derivatives: Sequence[str] = (),
    sensitivities: bool = False,
) -> Prediction:
    """The fields of a network at points and params (size,).

    Raises
    ------
    KeyError
        If a derivative is of no coordinate, or of an order above two.
    """
    problem, like = network.problem, network.like
    theta, rows = params.to(like.device, like.dtype), []
    for part in _chunks(points, CHUNK):
        at = PointJets(
            problem, part.to(like), theta,
            tangents=sensitivities, derivatives=bool(derivatives), also=tuple(derivatives),
        )  # fmt: skip
        u, n = network.represented(at), len(part)
        named = {"": values(u)}
        named |= {f"d {name}": values(tuple(f.d(name) for f in u)) for name in derivatives}
        if sensitivities:
            named |= _by_unknowns(problem, u, params)
        rows.append({k: v.expand(n, *v.shape[1:]).cpu() for k, v in named.items()})
    found = {k: torch.cat([row[k] for row in rows]) for k in rows[0]}
    return Prediction(
        found[""],
        {name: found[f"d {name}"] for name in derivatives},
        {k.name: found[f"s {k.name}"] for k in problem.unknowns if sensitivities},
    )


def _by_unknowns(problem: Problem, u: Any, params: Tensor) -> dict[str, Tensor]:
    """Derivatives by the unknowns in their own units, from those by the operator's inputs."""
    m, found = len(problem.unknowns), {}
    rows = torch.stack([f.coefficients(1 + m)[1:] for f in u], -1)
    for k, part, row in zip(problem.unknowns, problem.split(params), rows, strict=True):
        unit = k.slope(k.from_params(part)) if isinstance(k, Scalar) else getattr(k, "scale", 1.0)
        found[f"s {k.name}"] = (row[:, 0] if len(u) == 1 else row) / unit
    return found


def function_band(
    posterior: Posterior, k: Function, params: Tensor, points: Points, level: float
) -> Band:
    """Of an unknown function, by its network's weights."""
    problem = posterior.problem
    here = [j.name for j in problem.unknowns].index(k.name)
    own = problem.split(params)[here]
    value, sd = [], []
    for part in _chunks(points, BY_PARAMS):
        at = k.jets(part, own)
        parts = [torch.zeros(j.size, len(part)).double() for j in problem.unknowns]
        parts[here] = k.input_by_params(own, at) * k.scale
        value.append(k.at(part, own))
        sd.append(posterior.sd(torch.cat(parts)))
    return Band.of(posterior, torch.cat(value), torch.cat(sd), level)


@torch.no_grad()
def field_band(
    posterior: Posterior, network: Network, points: Points, level: float, index: int = 0
) -> Band:
    """Of a field, by the network's own derivative: what the unknowns' spread means for it."""
    problem, params = network.problem, posterior.params
    value, sd = [], []
    for part in _chunks(points, BY_PARAMS):
        u, X = _linear(network, part, params, index)
        value.append(u)
        sd.append(posterior.sd(by_params(problem, problem.departure_points(part, u), params, X)))
    return Band.of(posterior, torch.cat(value), torch.cat(sd), level)


def _linear(network: Network, points: Points, params: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """A field (N,) and its derivative by the operator's inputs, or by all params, float64."""
    if isinstance(network, DeepONet):
        return network.linearised(points, params)
    at = PointJets(
        network.problem, points.to(network.like), params.to(network.like), derivatives=False
    )
    u = interleaved((network.represented(at)[index],))
    rows = u.coefficients(1 + len(network.problem.unknowns)).double().cpu()
    rows = rows.expand(-1, len(points))
    return rows[0], rows[1:]


def sampled(
    k: Function, params: Tensor, changes: Tensor
) -> Callable[[Points | Mapping[str, Any]], Tensor]:
    """Functions f + df/dV . change of a network's weights, as one: points -> (n, N)."""

    def functions(points: Points | Mapping[str, Any]) -> Tensor:
        given = points if isinstance(points, Points) else Points(points)
        parts = [
            k.at(part, params) + changes @ k.input_by_params(params, k.jets(part, params)) * k.scale
            for part in _chunks(given, BY_PARAMS)
        ]
        return torch.cat(parts, 1)

    return functions


def _chunks(points: Points, size: int) -> Iterator[Points]:
    for begin in range(0, len(points), size):
        yield points.part(slice(begin, begin + size))
