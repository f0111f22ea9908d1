"""The theory check, on a network small enough for seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from benchmarks.design.setting import Setting
from benchmarks.pages import table
from benchmarks.results import store
from benchmarks.theory import study
from benchmarks.theory.exact import SCHEMES, exact_gradient
from benchmarks.theory.functions import FITS, along_a_fit
from bilo.inverse.points import Points
from bilo.networks.network import OperatorNetwork
from bilo.problems import get


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "WIDTH", 8)
    monkeypatch.setattr(study, "POINTS", 64)


def test_the_gradients_agree_once_the_lower_level_is_solved() -> None:
    """Linear, elliptic, boundary values that know nothing of D: what the theorem asks for."""
    before, after = study.stages(get("poisson_scalar"), (0, 200))
    assert after["lower_loss"] < 1e-3 < before["lower_loss"]
    assert abs(before["norm_ratio"] - 1) > 0.1
    for name in ("cosine", "norm_ratio", "cosine_solver", "norm_ratio_solver"):
        assert after[name] == pytest.approx(1.0, abs=1e-3), name
    assert after["sensitivity_rel_error"] < 1e-3 < before["sensitivity_rel_error"]


def test_the_implicit_derivative_keeps_the_lower_level_stationary() -> None:
    """d/de Phi_W(theta + e, W + e dW) = 0, by differences along that one direction."""
    problem = get("fisher_kpp")
    network = OperatorNetwork(problem, 8, 3, 0, 0).double()
    points = problem.collocation(64, torch.Generator()).to(network.like)
    study._solve(network, points, 40)
    params = problem.to_params(problem.start())
    W = parameters_to_vector(network.parameters()).detach()
    implicit = study._implicit(network, points, params)
    assert torch.equal(parameters_to_vector(network.parameters()).detach(), W)
    for j, dW in enumerate(implicit):
        e = 1e-6 / float(dW.norm())
        unit = torch.eye(len(params), dtype=torch.float64)[j]

        def moved(s: float, dW: torch.Tensor = dW, unit: torch.Tensor = unit) -> torch.Tensor:
            return study._lower_gradient(network, points, params + s * unit, W + s * dW)

        explicit = study._lower_gradient(network, points, params + e * unit, W)
        explicit = (explicit - study._lower_gradient(network, points, params - e * unit, W)) / 2
        total = (moved(e) - moved(-e)) / 2
        assert total.norm() < 1e-2 * explicit.norm()


@pytest.mark.parametrize("name", SCHEMES)
def test_the_exact_gradient_is_that_of_the_numerical_solution(name: str) -> None:
    """Along one smooth change of the function, by differences of the solver that made the data."""
    problem = get(name)
    (f,) = problem.functions
    theta, data = problem.start(), problem.observe(problem.truth(), 0.0, 0)

    def change(points: Points) -> torch.Tensor:
        x, *y = (v.double() for v in points.coordinates.values())
        bump = torch.sin(torch.pi * x) * torch.exp(x)
        if name == "source":
            radius = torch.hypot(x - 0.6, y[0] - 0.5) / 0.25
            bump = bump * (1 - radius**2).clamp(min=0)
        return bump

    def loss(s: float) -> float:
        moved = theta | {f.name: lambda points: theta[f.name](points) + s * change(points)}
        solution = problem.numerical(moved)
        assert solution is not None
        return float(data.value(solution(data.points), data.start))

    found = exact_gradient(problem, theta, data)
    along = float(found.values @ change(found.nodes))
    assert along == pytest.approx((loss(1e-3) - loss(-1e-3)) / 2e-3, rel=0.01)
    assert float(found.weights.sum()) == pytest.approx(1.0)


def test_the_gradient_in_directions_is_the_exact_one() -> None:
    """That by local shift has another direction."""
    fit = replace(FITS["poisson"], width=96, layers=1, points=288, steps=3)
    for place in along_a_fit("poisson", fit):
        assert place["cosine"] > 0.999
        assert place["norm_ratio"] == pytest.approx(1.0, abs=0.01)
        assert place["cosine_local_shift"] < 0.5
        assert place["cosine_solver"] > 0.999


def test_the_gradient_by_a_weak_form_is_the_exact_one() -> None:
    fit = replace(FITS["darcy"], width=200, points=3600, steps=0)
    for place in along_a_fit("darcy", fit):
        assert place["cosine"] > 0.999
        assert place["norm_ratio"] == pytest.approx(1.0, abs=0.01)
        assert place["cosine_local_shift"] < 0.6


def test_result_table_and_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"width": 32, "layers": 1, "points": 120, "steps": 0}
    monkeypatch.setattr(study, "STAGES", (0, 5))
    monkeypatch.setattr(study, "FITS", {name: replace(fit, **small) for name, fit in FITS.items()})
    result = study.run(Setting("theory", "all"))
    for problem in ("poisson_scalar", "fisher_kpp"):
        assert len(result[problem]) == 2
        asked = {"lower_loss", "cosine", "norm_ratio", "sensitivity_rel_error"}
        assert all(asked <= set(stage) for stage in result[problem])
    asked = {"cosine", "norm_ratio", "cosine_local_shift", "norm_ratio_local_shift"}
    for problem in FITS:
        assert [place["where"] for place in result[problem]] == ["start", "half", "end"]
        assert all(asked | {"outside_share"} <= set(place) for place in result[problem])
    path = store.path_of(Setting("theory", "all"), tmp_path)
    store.write_text(path, store.as_json(result))
    text = table.write("theory", tmp_path)
    assert text.count("| poisson_scalar |") == text.count("| fisher_kpp |") == 2
    assert text.count("| source |") == text.count("| burgers |") == 3
    assert (tmp_path / "theory" / "figures" / "theory.svg").is_file()
