"""The tumour as a problem of `bilo`: lifts, residual, bounds, the way to the voxels and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet
from gbm.growth.characteristic import Characteristic, characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.parameters import Growth, Seed
from gbm.network_fit.tumour_problem import TumourProblem

THETAS = ([0.0, 0.0], [0.7, -0.2], [-1.1, 0.3])


@pytest.fixture(scope="module")
def start(grown: Any) -> Characteristic:
    numbers = grown.domain.numbers
    return characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])


@pytest.fixture(scope="module", params=["char", "heat"])
def tumour(request: pytest.FixtureRequest, grown: Any, start: Characteristic) -> TumourProblem:
    return TumourProblem(grown.domain, start, grown.seed, request.param)


@pytest.fixture(scope="module")
def char(grown: Any, start: Characteristic) -> TumourProblem:
    return TumourProblem(grown.domain, start, grown.seed, "char")


def _double(points: Points) -> Points:
    return points.to(torch.zeros((), dtype=torch.float64))


def _lift(tumour: TumourProblem, points: Points, params: list[float]) -> tuple[Jet, PointJets]:
    """The represented field where the network says nothing."""
    at = PointJets(tumour, points, torch.tensor(params, dtype=torch.float64))
    nothing = torch.zeros(3, at.streams.size, len(points), dtype=torch.float64)
    return tumour.transform(Jet(nothing, at.streams), at), at


def test_the_characteristic_solution_solves_the_equation(char: TumourProblem) -> None:
    """At the slices of the table exactly; between them it is linear in time."""
    generator = torch.Generator().manual_seed(0)
    cells = torch.randint(char.table.cells, (500,), generator=generator)
    slices = char.table.times[torch.randint(1, len(char.table.times), (500,), generator=generator)]
    l, at = _lift(char, _double(char.at(slices, cells)), [0.0, 0.0])
    residual, size = char.residual(l, at).value, l.d("1").value.abs() + char.growth.rhoT
    assert float((residual.abs() / size).max()) < 1e-3
    l, at = _lift(char, _double(char.collocation(2000, generator)), [0.0, 0.0])
    between = char.residual(l, at).value.abs() / char.growth.rhoT
    assert float(between.median()) < 0.02


def test_away_from_the_start_the_lift_leaves_work_to_the_network(char: TumourProblem) -> None:
    points = _double(char.collocation(2000, torch.Generator().manual_seed(0)))
    residuals = []
    for params in THETAS[:2]:
        l, at = _lift(char, points, params)
        residuals.append(float(char.residual(l, at).value.abs().median()))
    assert residuals[1] > 10 * residuals[0]


@pytest.mark.parametrize("params", THETAS)
def test_the_initial_density_is_exact_for_any_theta(
    tumour: TumourProblem, params: list[float]
) -> None:
    x0, y0 = tumour.seed.x0
    near = (tumour._known["x"] - x0) ** 2 + (tumour._known["y"] - y0) ** 2
    cells = torch.nonzero(near < 8.0**2)[:, 0]
    points = _double(tumour.at(torch.zeros(len(cells)), cells))
    network = OperatorNetwork(tumour, 8, 2, 4, seed=1).double()
    at = PointJets(tumour, points, torch.tensor(params, dtype=torch.float64))
    with torch.no_grad():
        l = tumour.transform(network(at), at)
    exact = tumour.seed.h0 * torch.exp(-tumour.seed.r0 * near[cells].double())
    assert torch.sigmoid(l.value).tolist() == pytest.approx(exact.tolist(), rel=2e-3)
    assert float(l.tangents.abs().max()) < 1e-4


@pytest.mark.parametrize("params", THETAS)
def test_the_residual_knows_its_derivative_by_theta(
    tumour: TumourProblem, params: list[float]
) -> None:
    check_derivative_by_theta(tumour, params, 300)


def check_derivative_by_theta(tumour: TumourProblem, params: list[float], count: int) -> None:
    """The residual's own derivative against central differences, at so many points."""
    points = _double(tumour.collocation(count, torch.Generator().manual_seed(2)))
    network = OperatorNetwork(tumour, 8, 2, 4, seed=1).double()

    def residual(shift: list[float]) -> Jet:
        at = PointJets(tumour, points, torch.tensor(np.add(params, shift)))
        with torch.no_grad():
            return tumour.residual(tumour.transform(network(at), at), at)

    step, tangents = 1e-5, residual([0.0, 0.0]).tangents
    for j in range(2):
        shift = [step * (j == 0), step * (j == 1)]
        up, down = residual(shift).value, residual([-s for s in shift]).value
        difference = (up - down) / (2 * step)
        assert torch.allclose(tangents[j], difference, rtol=1e-5, atol=1e-5 * tumour.growth.rhoT)


def test_the_table_holds_the_finite_volume_solution(char: TumourProblem, grown: Any) -> None:
    u = solve(grown.domain, char.growth, Seed(grown.x0), cell_mm=0.5, times=[0.3, 1.0])
    for t, density in zip((0.3, 1.0), u, strict=True):
        found = torch.sigmoid(char.snapshot(t).known["a"]).numpy()
        wanted = density[char.inside]
        weight = np.sqrt(np.mean(wanted**2))
        assert np.sqrt(np.mean((found - wanted) ** 2)) < 5e-3 * weight


def test_project_respects_the_bounds_of_lambda_and_growth(char: TumourProblem) -> None:
    generator = torch.Generator().manual_seed(3)
    for params in 4 * torch.randn(50, 2, generator=generator, dtype=torch.float64):
        found = char.project(params)
        DT, rhoT = char.growth.DT * math.exp(found[0]), char.growth.rhoT * math.exp(found[1])
        for name, value in (("lambda_mm", math.sqrt(DT / rhoT)), ("rhoT", rhoT)):
            low, high = char.bounds[name]
            assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9)
        assert torch.allclose(char.project(found), found, atol=1e-12)
    inside = torch.tensor([0.1, -0.1], dtype=torch.float64)
    assert torch.allclose(char.project(inside), inside, atol=1e-12)
    extreme = char.project(torch.tensor([30.0, 30.0], dtype=torch.float64))
    assert char.growth.rhoT * math.exp(extreme[1]) == pytest.approx(char.bounds["rhoT"][1])


def test_voxels_and_back(char: TumourProblem, grown: Any, rng: np.random.Generator) -> None:
    """A field constant on each voxel comes back; where nothing is represented there is 0."""
    field = rng.uniform(size=grown.domain.P.shape)
    fine = np.kron(field, np.ones((2, 2)))
    back = char.to_voxels(torch.from_numpy(fine[char.inside]))
    represented = coarsen(char.inside.astype(float), 2) > 0
    np.testing.assert_allclose(back[represented], field[represented], rtol=1e-12)
    assert not back[~represented].any()
    points, index = char.voxels()
    assert np.array_equal(np.flatnonzero(represented), index)
    x, y = np.unravel_index(index, field.shape)
    np.testing.assert_allclose(points.coordinates["x"], grown.domain.axes[0][x])
    np.testing.assert_allclose(points.coordinates["y"], grown.domain.axes[1][y])


def test_the_disc_holds_the_tumour(tumour: TumourProblem, grown: Any) -> None:
    """Nothing of it is cut off, at the start and at a diffusivity far from there."""
    grid = GrowthMap.of(grown.domain, 0.5)
    outside = (grid.phi > 0.5) & ~tumour.inside
    for factor in (1.0, 2.0):
        u = solve(grid, Growth(factor * tumour.growth.DT, tumour.growth.rhoT), grown.seed)[0]
        assert u[outside].max(initial=0.0) < 5e-3
