"""The result of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bilo.inverse.points import Points
from bilo.networks.network import field as represented
from bilo.training.checks import Check

if TYPE_CHECKING:
    from bilo.networks.network import Network

History = dict[str, list[float]]


@dataclass(frozen=True)
class Solution:
    """What a method found, with everything needed to judge it.

    Attributes
    ----------
    method : str
    unknowns : mapping
        Inferred values and functions by name.
    auxiliary : Tensor (q,)
        Parameters of the objective itself.
    codes : Tensor (m,)
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
    """

    method: str
    unknowns: Mapping[str, Any]
    codes: Tensor
    data_loss: float
    converged: bool
    status: str
    auxiliary: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
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

    def field(self, points: Points, chunk: int = 65536) -> Tensor:
        """The represented field (N,) at points, at the inferred unknowns.

        Raises
        ------
        ValueError
            If the method has no network.
        """
        if self.network is None:
            raise ValueError(f"{self.method} represents no field")
        return evaluate(self.network, points, self.codes, chunk)


def evaluate(network: Network, points: Points, codes: Tensor, chunk: int = 65536) -> Tensor:
    """The represented field (N,), or all of a system (N, fields), on the CPU, by chunks."""
    like = network.like
    codes = codes.to(like.device, like.dtype)
    parts = []
    with torch.no_grad():
        for k in range(0, len(points), chunk):
            part = points.part(slice(k, k + chunk)).to(like)
            parts.append(represented(network, part, codes).value.cpu())
    found = torch.cat(parts)
    fields = len(network.problem.fields)
    return found if fields == 1 else found.view(-1, fields)
