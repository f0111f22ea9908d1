"""Levenberg-Marquardt with geodesic acceleration: the lower level's second-order descent.

    (J^T J + mu 1) d = -J^T rho,        (J^T J + mu 1) a = -J^T rho_dd,        x += d + a / 2

rho_dd is the second derivative of the rows along d. The sums of squares of equations have narrow,
curved valleys, and the second-order term follows the bend: half as many steps as without it.

References: Marquardt 1963, J. SIAM 11; Transtrum and Sethna 2012, arXiv:1201.5885.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bilo.inverse.points import Points
from bilo.lower.least_squares import Equation
from bilo.optimisation.damping import ANY_DECREASE, NO_DECREASE, Damping
from bilo.training.loop import Lower
from bilo.training.state import LevelState, Record, Run, remembered

START = 1e-2
"""First mu."""
DAMPING = Damping(after_good=1 / 5.0, after_fair=1.0, after_bad=3.0, least=1e-13)
"""Above the smallest mu the normal matrix stays definite."""
TRIES = 12
"""Values of mu that a step tries; each costs a factorisation and two evaluations of the rows."""
BEND = 0.75
"""Largest |a| / |d| that is trusted."""
PROBE = 0.1
"""Part of d over which rho_dd is a difference."""


@dataclass(frozen=True)
class Step:
    """Where a step led.

    Attributes
    ----------
    x : Tensor (P,)
        The new variables; the old ones where no mu led to a smaller sum of squares.
    before, after : float
        The sums of squares.
    mu : float
        For the next step.
    """

    x: Tensor
    before: float
    after: float
    mu: float

    @property
    def fall(self) -> float:
        """What is left of the sum of squares, relative."""
        return self.after / self.before if self.before else 1.0


def step(
    x: Tensor, rho: Tensor, J: Tensor, rows: Callable[[Tensor], Tensor], mu: float = START
) -> Step:
    """One step down the sum of squares |rho|^2.

    Parameters
    ----------
    x : Tensor (P,)
    rho, J : Tensor (R,), (R, P)
        Rows at x and their Jacobian.
    rows : callable
        x -> rho.
    mu : float
    """
    before = float(rho @ rho)
    g, H = J.t() @ rho, J.t() @ J
    for _ in range(TRIES):
        damped = H.clone()
        damped.diagonal().add_(mu)
        factor, failed = torch.linalg.cholesky_ex(damped)
        if not failed:
            d = -_solve(factor, g)
            slope = (rows(x + PROBE * d) - rho) / PROBE
            a = -_solve(factor, J.t() @ (slope - J @ d) * (2 / PROBE))
            if a.norm() <= BEND * d.norm():
                there = x + d + a / 2
                after = float((rows(there) ** 2).sum())
                if after < before:
                    return Step(there, before, after, DAMPING.next(mu, ANY_DECREASE))
        mu = DAMPING.next(mu, NO_DECREASE)
    return Step(x, before, before, mu)


def _solve(factor: Tensor, g: Tensor) -> Tensor:
    return torch.cholesky_solve(g.unsqueeze(1), factor)[:, 0]


@dataclass(frozen=True)
class Solving(LevelState):
    """mu for the next step, and what the last one left of the loss, relative."""

    mu: float = START
    fall: float = 0.0

    def restarted(self) -> Solving:
        """After the unknowns moved: a level that found no further step has left its mu large."""
        return replace(self, mu=min(self.mu, START))


Build = Callable[[Points, Tensor, bool], list[Equation]]
"""(points, params, pretraining) -> the equations whose squares are the loss."""


def solving(build: Build, *, joint: bool = False) -> Lower:
    """One step of Levenberg-Marquardt at a time; ``run.lower`` is a `Solving`.

    Parameters
    ----------
    build : callable
    joint : bool
        The unknowns are variables too after pretraining, as a PINN's are.

    Raises
    ------
    ValueError
        While training, if there are fewer rows than variables.
    """

    def lower(run: Run, points: Points, pretraining: bool) -> tuple[bool, Record]:
        network, params = run.operator, run.params.to(run.network.like)
        free = joint and not pretraining
        equations = build(points, params, pretraining)
        linear = [e.linearise(unknowns=free) for e in equations]
        rho = torch.cat([rows.flatten() for rows, _ in linear])
        weights = network.vector()
        x = torch.cat([weights, params]) if free else weights
        _check(equations, [rows for rows, _ in linear], len(x))

        def put(x: Tensor) -> list[Equation]:
            network.assign(x[: len(weights)])
            return [e.moved(x[len(weights) :]) for e in equations] if free else equations

        def rows(x: Tensor) -> Tensor:
            return torch.cat([e.rows().flatten() for e in put(x)])

        J = torch.cat([by_x for _, by_x in linear])
        found = step(x, rho, J, rows, remembered(run.lower, Solving).mu)
        put(found.x)
        if free:
            run.params.copy_(found.x[len(weights) :])
        run.lower = Solving(found.mu, found.fall)
        record: dict[str, float] = {}
        for e, (own, _) in zip(equations, linear, strict=True):
            for name, value in e.losses(own).items():
                record[name] = record.get(name, 0.0) + value
        return math.isfinite(found.before), record

    return lower


def _check(equations: list[Equation], rows: list[Tensor], variables: int) -> None:
    """Pretraining's own rows do not count: they leave with it."""
    count = sum(own.numel() for e, own in zip(equations, rows, strict=True) if e.name != "start")
    if count < variables:
        raise ValueError(
            f"{count} equations at the points for {variables} variables of the network: "
            "recipe lm needs more points, or a smaller network"
        )
