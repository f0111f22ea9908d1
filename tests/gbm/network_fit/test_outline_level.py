"""The outlines' posterior as upper level: exact derivatives, the solver's mode and covariance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logit

from bilo.posterior.gauss_newton import covariance
from gbm.config.settings import Settings
from gbm.growth.characteristic import characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.growth.thresholds import to_unconstrained
from gbm.network_fit.outline_level import OutlineLevel
from gbm.network_fit.start import NetworkStart
from gbm.network_fit.tumour_problem import TumourProblem
from gbm.posterior.by_objective import direct_fit
from gbm.posterior.mode import start_of
from gbm.posterior.objective import with_outlines
from gbm.search.direct_fit import DirectFit
from tests.gbm.posterior.balls import BALL_RHO_T, TRUTH, ball

SETTINGS = Settings.model_validate({"objective": {"name": "outline"}, "verify": {"refine": 1}})
LEVELS = np.array([0.3, 0.65])


@pytest.fixture(scope="module")
def fit(grown: Any) -> DirectFit:
    given = GrowthInverseProblem.of(grown.domain, SETTINGS)
    return direct_fit(grown.domain, given.characteristic(grown.domain), given, refine=1)


@pytest.fixture(scope="module")
def inverse(grown: Any, fit: DirectFit) -> GrowthInverseProblem:
    given = GrowthInverseProblem.of(grown.domain, SETTINGS)
    return with_outlines(grown.domain, given, fit.first_mode)


@pytest.fixture(scope="module")
def level(grown: Any, fit: DirectFit, inverse: GrowthInverseProblem) -> OutlineLevel:
    numbers = grown.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    tumour = TumourProblem(grown.domain, start, inverse.seed(fit.x0), grids=Grids.of(2, 1))
    return OutlineLevel(tumour, inverse)


def solved(grown: Any, level: OutlineLevel, params: np.ndarray) -> torch.Tensor:
    """The solver's logit at the level's cells."""
    start = np.exp(level._start)
    rD, rRHO = np.exp(params)
    growth = Growth(start[0] ** 2 * start[1] * rD, start[1] * rRHO)
    u = solve(grown.domain, growth, level.inverse.seed(level._x0), steps=400)[0]
    places = [np.rint(level.points.coordinates[x].numpy()) for x in "xy"]
    index = [(p - axis[0]).astype(int) for p, axis in zip(places, grown.domain.axes, strict=True)]
    return torch.from_numpy(logit(np.clip(u[tuple(index)], 1e-10, 1 - 1e-10)))


def tangents(grown: Any, level: OutlineLevel, params: np.ndarray) -> torch.Tensor:
    h = 2e-3
    here = solved(grown, level, params)
    return torch.stack([(solved(grown, level, params + h * e) - here) / h for e in np.eye(2)])


def free(levels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(to_unconstrained(levels))


def test_derivatives_are_exact(grown: Any, level: OutlineLevel) -> None:
    generator = torch.Generator().manual_seed(1)
    l = solved(grown, level, np.array([0.1, -0.05]))
    l += 0.05 * torch.randn(l.shape, generator=generator, dtype=torch.float64)
    l.requires_grad_()
    nuisance, step = free(LEVELS).requires_grad_(), 1e-6
    by_l, by_nuisance = torch.autograd.grad(level.value(l, nuisance), (l, nuisance))
    with torch.no_grad():
        for _ in range(3):
            d = torch.randn(l.shape, generator=generator, dtype=torch.float64)
            up, down = (level.value(l + s * step * d, nuisance) for s in (1, -1))
            assert (by_l @ d).item() == pytest.approx(((up - down) / (2 * step)).item(), rel=1e-4)
        for j, d in enumerate(step * torch.eye(2, dtype=torch.float64)):
            up, down = (level.value(l, nuisance + s * d) for s in (1, -1))
            found = ((up - down) / (2 * step)).item()
            assert by_nuisance[j].item() == pytest.approx(found, rel=1e-4)
    params = torch.tensor([0.2, -0.3], dtype=torch.float64, requires_grad=True)
    (by_params,) = torch.autograd.grad(level.prior(params), params)
    for j, d in enumerate(1e-6 * torch.eye(2, dtype=torch.float64)):
        up, down = (level.prior(params.detach() + s * d) for s in (1, -1))
        assert by_params[j].item() == pytest.approx(((up - down) / 2e-6).item(), rel=1e-6)


def test_value_and_prior_are_the_objective(
    grown: Any, level: OutlineLevel, inverse: GrowthInverseProblem
) -> None:
    """With the solver's field; five cells that a network does not know keep the start's."""
    params = np.array([0.1, -0.05])
    growth = Growth(*(np.exp(level._start[0]) ** 2 * np.exp(level._start[1]) * np.exp(params[0]),
                      np.exp(level._start[1] + params[1])))  # fmt: skip
    u = solve(grown.domain, growth, inverse.seed(level._x0), steps=400)[0]
    l, at = solved(grown, level, params), torch.from_numpy(params)
    found = level.value(l, free(LEVELS)) + level.prior(at)
    wanted = inverse.value(u, LEVELS, growth.lambda_mm, growth.rhoT)
    assert found.item() == pytest.approx(wanted, abs=0.2)


def test_steps_lead_to_the_mode(grown: Any, level: OutlineLevel, fit: DirectFit) -> None:
    """With the solver in the network's place, from the characteristic start."""
    params, nuisance = torch.zeros(2, dtype=torch.float64), level.start.clone()
    for _ in range(25):
        at = params.numpy()
        l, J = solved(grown, level, at), tangents(grown, level, at)
        params, nuisance = level.step(l, J, params, nuisance, 0.0)
    start = np.exp(level._start)
    rD, rRHO = np.exp(params.numpy())
    found = Growth(start[0] ** 2 * start[1] * rD, start[1] * rRHO)
    l, levels = solved(grown, level, params.numpy()), level.thresholds(nuisance)
    value = (level.value(l, nuisance) + level.prior(params)).item()
    assert value == pytest.approx(fit.objective, abs=1.2)  # it was 16.8 at the start
    assert np.log(found.lambda_mm / fit.lambda_mm) == pytest.approx(0.0, abs=0.15)
    assert np.log(found.rhoT / fit.rhoT) == pytest.approx(0.0, abs=0.05)
    assert levels == pytest.approx([*fit.thresholds.values()], abs=0.08)


def test_no_step_is_longer_than_the_box(grown: Any, level: OutlineLevel) -> None:
    far = np.array([1.0, 0.3])
    l, J = solved(grown, level, far), tangents(grown, level, far)
    params = torch.from_numpy(far)
    moved, _ = level.step(l, J, params, level.start, 0.0)
    assert (moved - params).abs().max() <= 0.05 + 1e-12
    late, _ = level.step(l, J, params, level.start, 1.0)
    assert (late - params).abs().max() < 0.03 * (moved - params).abs().max()


def test_its_covariance_is_the_solvers(grown: Any, level: OutlineLevel, fit: DirectFit) -> None:
    """Of ln D T and ln rho T at the mode, the origin held.

    The solver knows five cells more, in a corner that the tumour does not reach.
    """
    posterior = level.posterior
    theta = start_of(fit.candidate, posterior)
    _, hessian = posterior.expand(theta, posterior.forward(theta))
    kept = [0, 1, 4, 5]
    spread = covariance(hessian[np.ix_(kept, kept)], posterior.scale[kept])[:2, :2]
    to_params = np.array([[2.0, 1.0], [0.0, 1.0]])
    wanted = np.sqrt(np.diag(to_params @ spread @ to_params.T))
    params = np.linalg.solve([[0.5, -0.5], [0.0, 1.0]], theta[:2] - level._start)
    l, J = solved(grown, level, params), tangents(grown, level, params)
    found = level.local_sd(l, J, free(theta[4:]))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0.25)


def test_in_space() -> None:
    """The start's own field, on cells of 2 mm, has the value that the solver's has."""
    domain = replace(ball(), numbers={"radius_WT_mm": 15.0})
    settings = Settings.model_validate({"dimensions": 3, "objective": {"name": "outline"}})
    growth = Growth.of_lambda(TRUTH["lambda_mm"], BALL_RHO_T)
    truth = [*np.log([growth.lambda_mm, growth.rhoT]), *domain.x0, TRUTH["WT"], TRUTH["TC"]]
    given = GrowthInverseProblem.of(domain, settings)
    cells = with_outlines(domain, given, truth).coarsened(2)
    tumour = TumourProblem(domain, NetworkStart(growth.DT, growth.rhoT), cells.seed(domain.x0))
    level = OutlineLevel(tumour, cells)
    levels = np.array([TRUTH["WT"], TRUTH["TC"]])
    found = level.value(level.points.known["a"].double(), free(levels))
    found += level.prior(torch.zeros(2, dtype=torch.float64))
    u = solve(GrowthMap.of(domain, 2), growth, cells.seed(domain.x0))[0]
    wanted = cells.value(u, levels, growth.lambda_mm, growth.rhoT)
    assert found.item() == pytest.approx(wanted, abs=0.3)
    J = 0.1 * torch.ones(2, len(level.points), dtype=torch.float64)
    params, _ = level.step(
        level.points.known["a"].double(), J, torch.zeros(2, dtype=torch.float64), level.start, 0.0
    )
    assert (params.abs() <= 0.05 + 1e-12).all()
