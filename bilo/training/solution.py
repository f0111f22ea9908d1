"""The result of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.networks.network import field as represented
from bilo.training import figure, spread, storage, summary
from bilo.training.checks import Check
from bilo.training.linearised import Linearised, Posterior
from bilo.training.prediction import (
    Band,
    Prediction,
    field_band,
    function_band,
    params_at,
    placed,
    predict,
)

if TYPE_CHECKING:
    from bilo.networks.network import Network

History = dict[str, list[float]]


@dataclass(frozen=True, repr=False)
class Solution:
    """What a method found, with everything needed to judge it.

    Attributes
    ----------
    method : str
    unknowns : mapping
        Inferred values and functions by name.
    nuisance : Tensor (q,)
        Parameters of the objective itself.
    params : Tensor (m,)
        The unknowns in optimiser coordinates.
    network : Network or None
        The trained network; None for classical methods.
    data_loss : float
        The objective of the represented field.
    converged : bool
    status : str
        ``converged``, ``not converged``, ``on a bound``, ``unverified`` or ``diverged``.
    checks : tuple of Check
        What the status rests on.
    interrupted : bool
        Whether Ctrl-C ended the training.
    warnings : tuple of str
        The words of the checks that failed, and what a method adds.
    assessment : dict
        Self-assessment: singular values of J, local standard deviations, held-out residual,
        estimated error of the unknowns, relative L2 difference from the numerical solution.
    history : dict of list
        One list a quantity, all of one length, by recorded step.
    steps, seconds, seconds_per_step, peak_memory_mb, device, threads
        What it took.
    problem : Problem or None
        What was solved.
    linearised : Linearised or None
        What the data say of the unknowns, to first order: what covariance, intervals, samples and
        bands come from.
    """

    method: str
    unknowns: Mapping[str, Any]
    params: Tensor
    data_loss: float
    converged: bool
    status: str
    nuisance: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    network: Network | None = None
    checks: tuple[Check, ...] = ()
    interrupted: bool = False
    warnings: tuple[str, ...] = ()
    assessment: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, list[float]] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    seconds_per_step: float = 0.0
    peak_memory_mb: float = 0.0
    device: str = "cpu"
    threads: int = 1
    problem: Problem | None = None
    linearised: Linearised | None = None

    def __repr__(self) -> str:
        return summary.line(self)

    def summary(self) -> str:
        """A table: unknowns with 90 % intervals, the status, what was checked and what was not."""
        return summary.table(self)

    def to_json(self) -> dict[str, Any]:
        """Plain values: a function by its values at some points, no network; None for no number."""
        return summary.plain(self)

    def plot(self) -> Any:
        """A figure of matplotlib: functions with their bands, the field, the course of the fit.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return figure.drawn(self)

    def save(self, path: Path | str) -> None:
        """Write everything to one file of safetensors and JSON; `bilo.load` reads it.

        Raises
        ------
        ValueError
            If the answer is one of nodal values, which its problem cannot make again.
        """
        storage.save(self, Path(path))

    # --- the posterior ----------------------------------------------------------------------------
    @cached_property
    def posterior(self) -> Posterior:
        """The linearised posterior of the unknowns.

        Raises
        ------
        ValueError
            If the method, or the objective, has none; in words.
        """
        problem = self._stated()
        if self.linearised is None:
            raise ValueError(self._why_no_posterior())
        return Posterior(problem, self.params, self.linearised)

    @property
    def covariance(self) -> Tensor:
        """Of the scalars (m, m), in their own units; infinite variances for what is not seen.

        Raises
        ------
        ValueError
            If there is no posterior, or no scalar.
        """
        return spread.covariance(self.posterior)

    def interval(self, level: float = 0.9) -> dict[str, tuple[float, float]]:
        """Central intervals of the scalars by name, normal in the optimiser's coordinates.

        With `Scalar.log` they are not symmetric, and positive. Bounds are not seen. Where the
        noise was estimated they are those of Student's t.

        Raises
        ------
        ValueError
            If there is no posterior.
        """
        return spread.intervals(self.posterior, level)

    def samples(self, n: int, seed: int = 0) -> dict[str, Any]:
        """Random draws of the linearised posterior by name.

        Scalars as a tensor (n,), in their own units; functions as one callable, points -> (n, N).

        Raises
        ------
        ValueError
            If there is no posterior, or it is infinitely wide.
        """
        return spread.samples(self.posterior, n, seed)

    def band(self, name: str, points: Points | Mapping[str, Any], level: float = 0.9) -> Band:
        """A function, or a field, at points with its central interval.

        That of a field is what the unknowns' spread means for it; noise is not in it.

        Parameters
        ----------
        name : str
            Of an unknown function, or of a field: ``"u"``.
        points : Points or mapping
            Coordinates by name.
        level : float

        Raises
        ------
        ValueError
            If there is no posterior, or nothing of that name.
        """
        problem = self._stated()
        functions = {k.name: k for k in problem.functions}
        if name in functions:
            given = points if isinstance(points, Points) else Points(points)
            return function_band(self.posterior, functions[name], self.params, given, level)
        if name not in problem.fields:
            known = ", ".join((*functions, *problem.fields))
            raise ValueError(f"no band of {name!r}: {problem.name} has {known}")
        network, index = self._operator(f"band of {name}"), problem.fields.index(name)
        return field_band(self.posterior, network, placed(problem, points), level, index)

    # --- the field --------------------------------------------------------------------------------
    def predict(
        self,
        points: Points | Mapping[str, Any],
        theta: Mapping[str, Any] | None = None,
        *,
        derivatives: Sequence[str] = (),
        sensitivities: bool = False,
    ) -> Prediction:
        """The represented fields at points, at the inferred unknowns or near them.

        Parameters
        ----------
        points : Points or mapping
            Coordinates by name.
        theta : mapping, optional
            Other values of some unknowns: the network is a local operator, true near the answer.
        derivatives : sequence of str
            Such as ``("x", "t", "xx")``.
        sensitivities : bool
            Whether derivatives by the unknowns are wanted.

        Raises
        ------
        ValueError
            If the method has no network, or one that does not take the unknowns.
        """
        problem, network, params = self._stated(), self._network("field"), self.params
        if theta is not None:
            network = self._operator("field at other unknowns")
            params = params_at(problem, params, theta)
        if sensitivities:
            network = self._operator("sensitivities")
        return predict(network, placed(problem, points), params, derivatives, sensitivities)

    def field(self, points: Points, chunk: int = 65536) -> Tensor:
        """The represented field (N,) at points, at the inferred unknowns.

        Raises
        ------
        ValueError
            If the method has no network.
        """
        return evaluate(self._network("field"), points, self.params, chunk)

    # --- what a method has ------------------------------------------------------------------------
    def _stated(self) -> Problem:
        if self.problem is None:
            raise ValueError("this solution was made without its problem")
        return self.problem

    def _network(self, wanted: str) -> Network:
        if self.network is None:
            raise ValueError(
                f"{self.method} represents no field, so it has no {wanted}; the problem's "
                "numerical solution at the unknowns is problem.numerical(solution.unknowns)"
            )
        return self.network

    def _operator(self, wanted: str) -> Network:
        network = self._network(wanted)
        if not network.theta:
            why = "BiLO's does" if self.method != "bilo" else "that of recipe 'lm' or 'fast' does"
            raise ValueError(
                f"the network of {self.method} does not take the unknowns, so it has no {wanted}: "
                f"{why}"
            )
        return network

    def _why_no_posterior(self) -> str:
        if self.network is None:
            return f"{self.method} gives nodal values and no posterior: BiLO gives one"
        if not self.network.theta and self.method != "bilo":
            return (
                f"the network of {self.method} does not take the unknowns, and without a numerical "
                "solution of scalars nothing says how the data depend on them: BiLO's network does"
            )
        return "no posterior: the fit was by a weak form, or the objective is no likelihood"


def evaluate(network: Network, points: Points, params: Tensor, chunk: int = 65536) -> Tensor:
    """The represented field (N,), or all of a system (N, fields), on the CPU, by chunks."""
    like = network.like
    params = params.to(like.device, like.dtype)
    parts = []
    with torch.no_grad():
        for k in range(0, len(points), chunk):
            part = points.part(slice(k, k + chunk)).to(like)
            parts.append(represented(network, part, params).value.cpu())
    found = torch.cat(parts)
    fields = len(network.problem.fields)
    return found if fields == 1 else found.view(-1, fields)
