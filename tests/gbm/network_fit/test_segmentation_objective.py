"""The upper level of a network fit is the objective of the whole slice, with exact derivatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gbm.domain.domain import Domain
from gbm.growth.characteristic import characteristic
from gbm.growth.grids import Grids
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Seed
from gbm.growth.region_loss import Name, RegionLoss
from gbm.growth.thresholds import to_unconstrained
from gbm.network_fit.segmentation_objective import (
    BOX,
    FIRST_FRACTION,
    LAST_FRACTION,
    SegmentationObjective,
)
from gbm.network_fit.tumour_problem import TumourProblem

THRESHOLDS = np.array([0.3, 0.65])


@pytest.fixture(scope="module")
def tumour(grown: Any) -> TumourProblem:
    numbers = grown.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    return TumourProblem(grown.domain, start, Seed(grown.domain.x0), grids=Grids.of(2, 1))


def _goal(tumour: TumourProblem, domain: Domain, name: Name = "soft_dice") -> SegmentationObjective:
    return SegmentationObjective(tumour, GrowthInverseProblem(RegionLoss.of(domain, name=name)))


def _logits(goal: SegmentationObjective, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(len(goal.points), generator=generator, dtype=torch.float64)


def _nuisance() -> torch.Tensor:
    return torch.from_numpy(to_unconstrained(THRESHOLDS))


@pytest.mark.parametrize("name", ["soft_dice", "relative_l2"])
@pytest.mark.parametrize("core", [True, False])
def test_lumping_leaves_the_value(
    grown: Any, tumour: TumourProblem, name: Name, core: bool
) -> None:
    """Voxels outside the disc count as u = 0, regions that reach there included."""
    domain = grown.domain
    shifted = np.roll(domain.WT, 22, axis=0)
    domain = replace(domain, WT=domain.WT | shifted, TC=domain.TC if core else 0 * domain.TC > 0)
    goal, (_, index) = _goal(tumour, domain, name), tumour.voxels()
    assert domain.WT.ravel()[np.setdiff1d(np.arange(domain.WT.size), index)].any()
    l = _logits(goal)
    u = np.zeros(domain.P.size)
    u[index] = torch.sigmoid(l).numpy()
    whole = RegionLoss.of(domain, name=name)
    for progress, k in ((0.0, 20.0), (1.0, 320.0)):
        found = goal.value(l, _nuisance(), progress)
        wanted = replace(whole, k=k).value(u.reshape(domain.P.shape), THRESHOLDS)
        assert found.item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", ["soft_dice", "relative_l2"])
@pytest.mark.parametrize("progress", [0.0, 0.15, 1.0])
def test_derivatives_are_exact(
    grown: Any, tumour: TumourProblem, name: Name, progress: float
) -> None:
    goal = _goal(tumour, grown.domain, name)
    l, nuisance = _logits(goal).requires_grad_(), _nuisance().requires_grad_()
    by_l, by_nuisance = torch.autograd.grad(goal.value(l, nuisance, progress), (l, nuisance))
    generator = torch.Generator().manual_seed(1)
    step = 1e-6
    with torch.no_grad():
        for _ in range(3):
            d = torch.randn(l.shape, generator=generator, dtype=torch.float64)
            up, down = (goal.value(l + s * step * d, nuisance, progress) for s in (1, -1))
            assert (by_l @ d).item() == pytest.approx(((up - down) / (2 * step)).item(), rel=1e-5)
        for j, d in enumerate(step * torch.eye(2, dtype=torch.float64)):
            up, down = (goal.value(l, nuisance + s * d, progress) for s in (1, -1))
            difference = ((up - down) / (2 * step)).item()
            assert by_nuisance[j].item() == pytest.approx(difference, rel=1e-5)


@pytest.mark.parametrize(
    ("progress", "part"), [(0.0, FIRST_FRACTION), (1.0 - 1e-12, LAST_FRACTION)]
)
def test_a_step_goes_part_of_the_way_downhill(
    grown: Any, tumour: TumourProblem, progress: float, part: float
) -> None:
    """A field whose logit moves by +-3 per unit of the two unknowns, started away from the best."""
    goal, params = _goal(tumour, grown.domain), torch.zeros(2, dtype=torch.float64)
    points = goal.points.coordinates
    r = torch.hypot(points["x"] - tumour.seed.x0[0], points["y"] - tumour.seed.x0[1]).double()
    l, J = 3 - r / 4, torch.stack([torch.full_like(r, 3.0), r / 4 - 2])
    moved, nuisance = goal.step(l, J, params, _nuisance(), progress)
    assert 0 < float(moved.abs().max()) <= part * BOX * (1 + 1e-9)
    before = goal.value(l, _nuisance(), progress)
    after = goal.value(l + moved @ J, nuisance, progress)
    assert after < before


def test_the_start_is_the_prior(grown: Any, tumour: TumourProblem) -> None:
    goal = _goal(tumour, grown.domain)
    assert goal.thresholds(goal.start) == pytest.approx([0.35, 0.6])


def test_the_prior_is_that_of_lambda_and_rho_T(grown: Any, tumour: TumourProblem) -> None:
    goal = _goal(tumour, grown.domain)
    params = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)
    DT, rhoT = tumour.growth.DT * np.exp(0.3), tumour.growth.rhoT * np.exp(-0.2)
    value = goal.prior(params)
    known = goal.inverse.growth_prior
    assert value.item() == pytest.approx(known.value(np.sqrt(DT / rhoT), rhoT))
    (gradient,) = torch.autograd.grad(value, params)
    for i, step in enumerate(1e-6 * torch.eye(2, dtype=torch.float64)):
        up, down = (goal.prior(params.detach() + s * step).item() for s in (1, -1))
        assert gradient[i].item() == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_a_step_follows_the_prior_where_the_field_says_nothing(
    grown: Any, tumour: TumourProblem
) -> None:
    """A field that no unknown moves: the minimum of the tangent model is the prior's."""
    goal, l = _goal(tumour, grown.domain), _logits(_goal(tumour, grown.domain))
    DT, rhoT = 3.5**2 * 7.5 / tumour.growth.DT, 7.5 / tumour.growth.rhoT
    medians = torch.log(torch.tensor([DT, rhoT], dtype=torch.float64))
    params = medians + torch.tensor([0.03, -0.02], dtype=torch.float64)
    moved, _ = goal.step(l, torch.zeros((2, len(l)), dtype=torch.float64), params, _nuisance(), 0.0)
    assert torch.allclose(moved, medians, atol=2e-3)
