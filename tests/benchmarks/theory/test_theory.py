"""The theory check, on a network small enough for seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from benchmarks.design.setting import Setting
from benchmarks.pages import table
from benchmarks.results import store
from benchmarks.theory import study
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


def test_result_table_and_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "STAGES", (0, 5))
    result = study.run(Setting("theory", "all"))
    for problem in ("poisson_scalar", "fisher_kpp"):
        assert len(result[problem]) == 2
        asked = {"lower_loss", "cosine", "norm_ratio", "sensitivity_rel_error"}
        assert all(asked <= set(stage) for stage in result[problem])
    path = store.path_of(Setting("theory", "all"), tmp_path)
    store.write_text(path, store.as_json(result))
    text = table.write("theory", tmp_path)
    assert text.count("| poisson_scalar |") == text.count("| fisher_kpp |") == 2
    assert (tmp_path / "theory" / "figures" / "theory.svg").is_file()
