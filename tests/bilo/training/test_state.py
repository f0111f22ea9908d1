"""States of a run: what it goes back to."""

from __future__ import annotations

import copy

import torch

from bilo.networks.network import OperatorNetwork
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.session import Session
from bilo.training.state import Run


def test_a_state_stays_what_it_was_when_the_run_goes_on_from_it() -> None:
    problem = FisherKPP()
    network = OperatorNetwork(problem, 4, 2, 0, 0)
    data = problem.observe(problem.truth(), 0.0, 0)
    run = Run.of(network, problem.start_params(0), data, Session())
    optimiser = run.optimisers["lower"] = torch.optim.Adam(network.parameters())

    def step() -> None:
        optimiser.zero_grad()
        torch.stack([(p**2).sum() for p in network.parameters()]).sum().backward()
        optimiser.step()

    step()
    kept = copy.deepcopy(run.state())
    after = []
    for _ in range(2):
        run.restore(kept)
        step()
        after.append(network.vector())
    assert torch.equal(*after)
