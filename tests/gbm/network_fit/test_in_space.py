"""The tumour problem in three dimensions: coordinates, lifts, residual, cells and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bilo.inverse.point_jets import PointJets
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet
from gbm.config.fit_names import FitSpec
from gbm.config.settings import Settings
from gbm.growth.characteristic import Characteristic, characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.parameters import Seed
from gbm.growth.verification import verify
from gbm.network_fit.lifts import SpreadingSeed, ease, tissue_distance, uniform_distance
from gbm.network_fit.tumour_fit import TIMES, TumourFit, fit_tumour
from gbm.network_fit.tumour_problem import TumourProblem
from gbm.network_fit.walls import walls
from tests.gbm.network_fit.test_tumour_problem import check_derivative_by_theta


@pytest.fixture(scope="module")
def start(space: Any) -> Characteristic:
    numbers = space.domain.numbers
    return characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"], dimensions=3)


@pytest.fixture(scope="module", params=["char", "heat"])
def tumour(request: pytest.FixtureRequest, space: Any, start: Characteristic) -> TumourProblem:
    return TumourProblem(space.domain, start, space.seed, request.param)


def test_coordinates_are_time_and_three_axes(tumour: TumourProblem) -> None:
    assert tumour.coordinates == ("t", "x", "y", "z")
    assert tumour.fourier_coordinates == 3
    network = OperatorNetwork(tumour, 8, 2, 4, seed=0)
    points = tumour.collocation(50, torch.Generator().manual_seed(0))
    at = PointJets(tumour, points, torch.zeros(2))
    assert len(tumour.features(at)) == tumour.feature_count()
    assert network(at).streams.names == ("1", "x", "y", "z", "M")


def test_the_start_solves_the_equation(space: Any, start: Characteristic) -> None:
    char = TumourProblem(space.domain, start, space.seed, "char")
    generator = torch.Generator().manual_seed(0)
    cells = torch.randint(char.table.cells, (400,), generator=generator)
    slices = char.table.times[torch.randint(1, len(char.table.times), (400,), generator=generator)]
    points = char.at(slices, cells).to(torch.zeros((), dtype=torch.float64))
    at = PointJets(char, points, torch.zeros(2, dtype=torch.float64))
    nothing = Jet(torch.zeros(3, at.streams.size, 400, dtype=torch.float64), at.streams)
    l = char.transform(nothing, at)
    residual, size = char.residual(l, at).value, l.d("1").value.abs() + char.growth.rhoT
    assert float((residual.abs() / size).max()) < 1e-3


def test_the_initial_density_is_exact_for_any_theta(tumour: TumourProblem) -> None:
    places = [tumour._known[x] - float(c) for x, c in zip(tumour.axes, tumour.seed.x0, strict=True)]
    r2 = sum(p**2 for p in places)
    cells = torch.nonzero(r2 < 8.0**2)[:, 0]  # type: ignore[operator]
    points = tumour.at(torch.zeros(len(cells)), cells).to(torch.zeros((), dtype=torch.float64))
    network = OperatorNetwork(tumour, 8, 2, 4, seed=1).double()
    at = PointJets(tumour, points, torch.tensor([0.7, -0.2], dtype=torch.float64))
    with torch.no_grad():
        l = tumour.transform(network(at), at)
    exact = tumour.seed.h0 * torch.exp(-tumour.seed.r0 * r2[cells].double())  # type: ignore[index]
    assert torch.sigmoid(l.value).tolist() == pytest.approx(exact.tolist(), rel=2e-3)


def test_the_residual_knows_its_derivative_by_theta(tumour: TumourProblem) -> None:
    check_derivative_by_theta(tumour, [0.4, -0.1], 200)


def test_the_table_holds_the_solution_on_cells_of_two_millimetres(
    space: Any, start: Characteristic
) -> None:
    char = TumourProblem(space.domain, start, space.seed, "char")
    u = solve(space.domain, char.growth, Seed(space.x0), cell_mm=2.0, steps=200)[0]
    found = torch.sigmoid(char.snapshot(1.0).known["a"]).numpy()
    wanted = u[char.inside]
    assert np.linalg.norm(found - wanted) < 1e-2 * np.linalg.norm(wanted)
    points, index = char.voxels()
    i = np.unravel_index(index, char.inside.shape)
    for k, x in enumerate(char.axes):
        np.testing.assert_allclose(points.coordinates[x], char.surroundings.grid.axes[k][i[k]])


def _uniform(P: float, h: float = 2.0) -> GrowthMap:
    axis = np.arange(-24.0, 24.1, h)
    tissue = np.full((len(axis),) * 3, P)
    return GrowthMap.from_cells((axis,) * 3, tissue, np.ones_like(tissue))


@pytest.mark.parametrize("P", [1.0, 0.25])
def test_the_distance_through_uniform_tissue_is_yukawa_s(P: float) -> None:
    """v = exp(-r / (reach sqrt(P))) / r away from the source."""
    reach = 5.0
    r, distance = uniform_distance(reach, P, 60.0, 3)
    far = (r > 8.0) & (r < 40.0)
    log_v = -r[far] / (reach * np.sqrt(P)) - np.log(r[far])
    expected = -reach * (log_v - log_v[0])
    assert distance[far] - distance[far][0] == pytest.approx(expected, abs=0.03 / P)
    grid = _uniform(P)
    middle = len(grid.axes[0]) // 2
    found = tissue_distance(grid, np.zeros(3), reach)[middle:, middle, middle]
    near = slice(2, 9)
    at = grid.axes[0][middle:][near]
    table = np.interp(at, r, distance)
    assert found[near] - found[2] == pytest.approx(table - table[0], rel=0.06)


def test_in_uniform_tissue_every_way_is_the_mean_one() -> None:
    r2, q = ease(_uniform(0.5), 5.0, SpreadingSeed(np.zeros(3), mean_P=0.5))
    seen = (r2 < 16.0**2) & (r2 > 4.0**2)  # cells of 2 mm do not resolve a source of 1 mm
    assert q[seen] == pytest.approx(np.ones(seen.sum()), abs=0.2)


def test_a_narrow_gap_is_a_wall_in_space_too() -> None:
    grid = _uniform(1.0)
    x = np.broadcast_to(np.abs(grid.axes[0])[:, None, None], grid.phi.shape)
    grid.phi[x < 1.0] = 0.1
    found = walls(grid)
    inner = (slice(3, -3),) * 3
    assert found[inner][x[inner] < 1.0].all()
    assert not found[inner][x[inner] > 1.0].any()


def test_a_short_fit_ends_near_the_equation(space: Any, start: Characteristic) -> None:
    settings = Settings.model_validate(
        {
            "dimensions": 3,
            "fit": {"pretrain_steps": 30, "finetune_steps": 60, "width": 16, "layers": 2,
                    "fourier": 4, "points": 128, "device": "cpu"},
        }
    )  # fmt: skip
    spec = FitSpec("bilo", "char", "inferred", None, 0)
    fit = TumourFit(space.domain, start, space.x0, settings, spec)
    result, u = fit_tumour(fit)
    assert u.shape == (len(TIMES), *(n // 2 for n in space.domain.phi.shape))
    found, on_voxels, network = verify(space.domain, result, u, TIMES, fit.inverse)
    assert found.relative_error_u["final"] < 0.1
    assert on_voxels.shape == network.shape == space.domain.phi.shape
    assert set(found.metrics["fdm"]["WT"]) == {"dice", "hd95_mm", "volume_ml"}
    assert found.objective["fdm"] != found.objective_network_grid["fdm"]
    tissue = space.domain.tissue
    difference = (network - on_voxels)[tissue]
    assert np.linalg.norm(difference) < 0.15 * np.linalg.norm(on_voxels[tissue])
