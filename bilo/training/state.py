"""Everything that changes while a network is trained."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor
from torch.optim import Optimizer

from bilo.inverse.objective import Objective
from bilo.networks.network import Network, OperatorNetwork
from bilo.training import checkpoint
from bilo.training.session import Session

REST = 0.02
"""Largest range of an unknown that rests, relative, or absolute for one below 1."""

Record = Mapping[str, float]


@dataclass(frozen=True)
class LevelState:
    """What a level remembers between its steps: plain values and tensors; by itself nothing.

    A step leaves a new state in the place of the old one, so that a checkpoint holds it whole.
    """

    @property
    def done(self) -> bool:
        """Whether the level has seen enough before the end of the budget."""
        return False


@dataclass
class Run:
    """A network and unknowns in training.

    Attributes
    ----------
    network : Network
    params : Tensor (m,)
        Unknowns in optimiser coordinates.
    nuisance : Tensor (q,)
        The objective's own parameters.
    optimisers : dict of Optimizer
        Those of first-order levels: ``lower``, ``upper``.
    generator : torch.Generator
        Draws the points.
    lower, upper : LevelState
        What the levels remember.
    step : int
        Lower-level steps done.
    seconds : float
        Wall time of training, over interruptions too.
    slower : float
        Factor of the rate; halved at every recovery.
    last : dict
        The latest numbers of the upper level.
    trace : Tensor (steps, k)
        Where the unknowns have been.
    """

    network: Network
    params: Tensor
    nuisance: Tensor
    optimisers: dict[str, Optimizer]
    generator: torch.Generator
    lower: LevelState = LevelState()
    upper: LevelState = LevelState()
    step: int = 0
    seconds: float = 0.0
    slower: float = 1.0
    recoveries: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    trace: Tensor | None = None

    @classmethod
    def of(cls, network: Network, params: Tensor, data: Objective, session: Session) -> Self:
        """Before the first step."""
        generator = torch.Generator().manual_seed(session.seed + 1)
        return cls(network, params, data.start.clone(), {}, generator)

    @property
    def operator(self) -> OperatorNetwork:
        """The network, where a method needs a local operator's."""
        assert isinstance(self.network, OperatorNetwork)
        return self.network

    def mark(self) -> None:
        """Remember where the unknowns are."""
        here = self.network.problem.sensor_values(self.params).clone()[None]
        self.trace = here if self.trace is None else torch.cat([self.trace, here])

    def rested(self) -> bool:
        """Whether the unknowns came to rest: at most `REST` in the last tenth of their trace."""
        if self.trace is None:
            return True
        tail = self.trace[-max(len(self.trace) // 10, 2) :]
        moved = tail.max(0).values - tail.min(0).values
        return bool((moved <= REST * tail[-1].abs().clamp(min=1.0)).all())

    @property
    def done(self) -> bool:
        """Whether the upper level has seen enough before the end of the budget."""
        return self.upper.done

    def finite(self) -> bool:
        """Whether weights, unknowns and the objective's own parameters are all numbers."""
        values = [self.params, self.nuisance, *self.network.parameters()]
        return all(bool(torch.isfinite(v).all()) for v in values)

    def state(self) -> checkpoint.State:
        """A tree that `restore` understands."""
        return {
            "network": dict(self.network.state_dict()),
            "params": self.params.detach(),
            "nuisance": self.nuisance.detach(),
            "optimisers": {k: o.state_dict() for k, o in self.optimisers.items()},
            "generator": self.generator.get_state(),
            "levels": [vars(self.lower), vars(self.upper)],
            "numbers": [self.step, self.seconds, self.slower, self.recoveries],
            "history": self.history,
            "last": self.last,
            "trace": self.trace,
        }

    def restore(self, state: checkpoint.State) -> None:
        """Continue from a state."""
        self.network.load_state_dict(state["network"])
        with torch.no_grad():
            self.params.copy_(state["params"])
            self.nuisance.copy_(state["nuisance"])
        for name, optimiser in self.optimisers.items():
            # torch keeps the tensors it is given, and steps change them
            optimiser.load_state_dict(copy.deepcopy(state["optimisers"][name]))
        self.generator.set_state(state["generator"])
        lower, upper = state["levels"]
        self.lower, self.upper = type(self.lower)(**lower), type(self.upper)(**upper)
        self.step, self.seconds, self.slower, self.recoveries = state["numbers"]
        self.history = {k: list(v) for k, v in state["history"].items()}
        self.last, self.trace = dict(state["last"]), state["trace"]


def remembered(state: LevelState, kind: type[Any]) -> Any:
    """A level's state as the type that the level keeps."""
    assert isinstance(state, kind), f"{type(state).__name__} is no {kind.__name__}"
    return state
