"""A solution as people use it: predictions, files, words, figures."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bilo.inverse.fields import as_tuple
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.textbook import by, plain_field
from bilo.methods._fit import fit
from bilo.methods._multistart import starting_at
from bilo.methods.bilo import BiLO
from bilo.networks.branch_trunk import DeepONet
from bilo.problems import get
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.heat import Heat
from bilo.problems.poisson_scalar import PoissonScalar
from bilo.training import checkpoint
from bilo.training.checks import Check
from bilo.training.loading import load
from bilo.training.solution import Solution
from tests.bilo.decaying import small
from tests.bilo.training.made import Line, line_data, line_fit, operator, regularised, untrained

PLACES = {"t": [0.2, 1.0, 0.7], "x": [0.3, 0.5, 0.9]}


def _places() -> Points:
    return Points({k: torch.tensor(v, dtype=torch.float64) for k, v in PLACES.items()})


class Narrow(Heat):
    """With a small network of the function."""

    unknowns = small(Heat, 8)


def _params(problem: Problem) -> torch.Tensor:
    parts = (
        k.random_params(1) if isinstance(k, Function) else k.start_params(0)
        for k in problem.unknowns
    )
    return torch.cat(list(parts))


def _fisher(**size: Any) -> Solution:
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.01, 0)
    params = problem.to_params({"D": 1.7, "rho": 1.2})
    return operator(problem, data, params, **size)


def _heat() -> Solution:
    problem, x = Narrow(), torch.linspace(0, 1, 21).double()
    data = LeastSquares(Points({"t": torch.ones_like(x), "x": x}), x, sigma=0.01)
    return regularised(operator(problem, data, _params(problem)), 1e-3)


# --- predictions ----------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [_fisher, _heat])
def test_derivatives_are_those_of_automatic_differentiation(make: Any) -> None:
    found, points = make(), _places()
    leaves = {c: v.clone().requires_grad_() for c, v in points.coordinates.items()}
    assert found.problem is not None
    u = plain_field(found.network, Points(leaves), found.params)
    ux, ut = by(u, leaves["x"]), by(u, leaves["t"])
    said = found.predict(points, derivatives=("x", "t", "xx", "tx"))
    assert torch.allclose(said.value, u.detach(), rtol=1e-12)
    assert torch.equal(said.value, found.field(points))
    exact = {"x": ux, "t": ut, "xx": by(ux, leaves["x"]), "tx": by(ut, leaves["x"])}
    assert set(said.derivatives) == set(exact)
    for name, value in exact.items():
        assert torch.allclose(said.derivatives[name], value.detach(), rtol=1e-9, atol=1e-12), name


def test_sensitivities_are_differences_of_predictions() -> None:
    found, h = _fisher(), 1e-5
    said = found.predict(PLACES, sensitivities=True).sensitivities
    for name, value in found.unknowns.items():
        up, down = (found.predict(PLACES, {name: value + s * h}).value for s in (1, -1))
        assert torch.allclose(said[name], (up - down) / (2 * h), rtol=1e-5), name


def test_a_sensitivity_to_a_function_is_that_to_its_shift_at_the_point() -> None:
    found = _heat()
    problem = found.problem
    assert problem is not None
    said = found.predict(PLACES, sensitivities=True).sensitivities["f"]

    def shifted(h: float) -> torch.Tensor:
        points = _places()
        inputs = problem.unknowns[0].read(found.unknowns["f"], points)[None] + h
        at = PointJets.of_inputs(problem, points, inputs)
        return as_tuple(problem.transform(found.network(at), at))[0].value.detach()

    assert torch.allclose(said, (shifted(1e-5) - shifted(-1e-5)) / 2e-5, rtol=1e-6)


def test_a_function_may_be_given_too() -> None:
    found = _heat()
    again = found.predict(PLACES, {"f": found.unknowns["f"]}).value
    assert torch.allclose(again, found.predict(PLACES).value, atol=1e-3)


def test_what_cannot_be_predicted_is_said() -> None:
    found = _fisher()
    with pytest.raises(ValueError, match="no unknown 'k': fisher_kpp has D, rho"):
        found.predict(PLACES, {"k": 1.0})
    with pytest.raises(ValueError, match=r"D: 20 is outside its bounds \(0.1, 10\)"):
        found.predict(PLACES, {"D": 20.0})
    with pytest.raises(ValueError, match="points lack the coordinate t: fisher_kpp has t, x"):
        found.predict({"x": [0.5]})
    with pytest.raises(KeyError, match="no derivative 'y': the coordinates are t, x"):
        found.predict(PLACES, derivatives=("y",))
    with pytest.raises(ValueError, match="no band of 'v': fisher_kpp has u"):
        found.band("v", PLACES)
    pinn = _fisher(theta=False)
    assert pinn.predict(PLACES, derivatives=("x",)).value.shape == (3,)
    with pytest.raises(ValueError, match=r"network of pinn does not take the unknowns, so .*BiLO"):
        pinn.predict(PLACES, {"D": 1.0})
    with pytest.raises(ValueError, match="does not take the unknowns"):
        _ = pinn.covariance
    direct = line_fit(line_data(1.0, 0.0, 9, 0))
    with pytest.raises(ValueError, match=r"represents no field.*problem\.numerical"):
        direct.predict({"x": [0.5]})


def test_a_local_operator_predicts_nearby() -> None:
    """Trained at the answer, its field at 5 % more is that of the numerical solution there."""
    problem = PoissonScalar()
    data = problem.observe(problem.truth(), 0.01, 0)
    method = BiLO("lm", width=10, pretrain_steps=15, finetune_steps=40)
    found = fit(problem, data, method)
    D = found.unknowns["D"]
    x = torch.linspace(0, 1, 11).double()
    for nearby in (D, 1.05 * D):
        exact = torch.sin(torch.pi * x) / nearby
        assert torch.allclose(found.predict({"x": x}, {"D": nearby}).value, exact, atol=4e-3 / D)
    by_D = found.predict({"x": x}, sensitivities=True).sensitivities["D"]
    assert torch.allclose(by_D, -torch.sin(torch.pi * x) / D**2, atol=0.02 / D**2)
    sd = found.assessment["local_sd"]["D"]
    assert float(found.covariance[0, 0]) ** 0.5 == pytest.approx(sd, rel=1e-9)
    low, high = found.interval()["D"]
    assert low < 2.0 < high or abs(D - 2.0) < 4 * sd


# --- files ----------------------------------------------------------------------------------------
def _network_weights(solution: Solution) -> dict[str, torch.Tensor]:
    assert solution.network is not None
    return dict(solution.network.state_dict())


@pytest.mark.parametrize("make", [_fisher, _heat, lambda: _fisher(fourier=3, theta=False)])
def test_a_file_gives_it_back_to_the_bit(make: Any, tmp_path: Path) -> None:
    found = replace(
        make(),
        checks=(Check("noise", None, "not known"),),
        history={"step": [1.0, 2.0], "objective": [float("nan"), 0.5]},
        assessment={"local_sd": {"D": float("inf")}, "nodes": [3, 4]},
        interrupted=True,
    )
    found.save(tmp_path / "fit.safetensors")
    again = load(tmp_path / "fit.safetensors", type(found.problem)())
    assert repr(again) == repr(found)
    assert again.summary() == found.summary()
    assert again.to_json() == found.to_json()
    assert again.assessment == found.assessment
    for name, weights in _network_weights(found).items():
        assert torch.equal(_network_weights(again)[name], weights)
    assert torch.equal(again.params, found.params)
    assert torch.equal(again.predict(PLACES).value, found.predict(PLACES).value)
    if again.network is not None and again.network.theta:
        for one, two in zip(
            vars(again.band("u", PLACES)).values(),
            vars(found.band("u", PLACES)).values(),
            strict=True,
        ):
            assert one == two if isinstance(one, float) else torch.equal(one, two)


def test_single_precision_stays(tmp_path: Path) -> None:
    found = _fisher()
    assert found.network is not None
    found.network.float()
    found.save(tmp_path / "fit.safetensors")
    again = load(tmp_path / "fit.safetensors", FisherKPP())
    assert again.predict(PLACES).value.dtype == torch.float32
    assert torch.equal(again.predict(PLACES).value, found.predict(PLACES).value)


def test_a_deeponet_is_kept(tmp_path: Path) -> None:
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.01, 0)
    network = DeepONet(problem, 8, 2, seed=1).double()
    found = untrained(problem, data, _params(problem), network, None)
    found.save(tmp_path / "fit.safetensors")
    again = load(tmp_path / "fit.safetensors", problem)
    assert torch.equal(again.predict(PLACES).value, found.predict(PLACES).value)


def test_what_has_no_network_is_kept(tmp_path: Path) -> None:
    found = line_fit(line_data(1.0, 0.0, 9, 0))
    found.save(tmp_path / "fit.safetensors")
    again = load(tmp_path / "fit.safetensors", Line())
    assert again.unknowns == found.unknowns
    assert torch.equal(again.covariance, found.covariance)


def test_another_start_comes_back_with_its_coordinates(tmp_path: Path) -> None:
    """Several starts move a problem's own; the file belongs to the problem all the same."""
    plain = FisherKPP()
    moved = starting_at(plain, [3.0, 0.5])
    data = plain.observe(plain.truth(), 0.01, 0)
    found = operator(moved, data, moved.to_params({"D": 1.7, "rho": 1.2}))
    found.save(tmp_path / "fit.safetensors")
    again = load(tmp_path / "fit.safetensors", plain)
    assert again.unknowns == found.unknowns
    assert torch.equal(again.predict(PLACES).value, found.predict(PLACES).value)


class Confined(FisherKPP):
    """With closer bounds."""

    unknowns = tuple(replace(k, bounds=(0.5, 5.0)) for k in FisherKPP.unknowns)


class Slower(FisherKPP):
    """With another equation."""

    def residual(self, u: Any, at: PointJets) -> Any:
        return super().residual(u, at) + u


def test_a_file_of_another_problem_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fit.safetensors"
    _fisher().save(path)
    for other in (Confined(), Slower(), Heat()):
        with pytest.raises(ValueError, match=r"another problem \(fisher_kpp\): its equation"):
            load(path, other)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "none", FisherKPP())
    checkpoint.save(tmp_path / "other", {"run": 1})
    (tmp_path / "text").write_text("words")
    for wrong in ("other", "text"):
        with pytest.raises(ValueError, match=r"holds no solution; Solution\.save writes one"):
            load(tmp_path / wrong, FisherKPP())


# --- words and figures ----------------------------------------------------------------------------
def test_one_line() -> None:
    assert repr(_fisher()) == "<Solution of fisher_kpp by bilo: unverified, D = 1.7, rho = 1.2>"
    assert repr(_heat()) == "<Solution of heat by bilo: unverified, f>"


def test_the_summary_tells_intervals_and_what_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks = (
        Check("noise", None, "no sigma was given: the level of the misfit was not tested"),
        Check("bounds", True, "no unknown sits on a bound"),
        Check("equation", False, "the residual is 0.2 of the equation's terms"),
    )
    found = replace(_fisher(), checks=checks, warnings=(checks[2].words, "a further word"))
    text = found.summary()
    low, high = found.interval()["D"]
    rows = [line.split() for line in text.splitlines()]
    assert ["D", "1.7", f"{low:.4g}", "to", f"{high:.4g}"] in rows
    for check, told in zip(checks, ("not made", "passed", "failed"), strict=True):
        (line,) = (line for line in text.splitlines() if check.words in line)
        assert line.split()[0] == check.name
        assert told in line
    assert text.count(checks[2].words) == 1
    assert "warning: a further word" in text
    assert "a function of x" in _heat().summary()
    monkeypatch.setattr("bilo.training.summary.AFFORDABLE", 10)
    assert "see band: it takes a while" in _heat().summary()
    assert "no interval: the network of pinn" in _fisher(theta=False).summary()


def test_plain_values_are_json() -> None:
    found = replace(_fisher(), assessment={"sd": float("inf"), "v": torch.ones(2)}, data_loss=0.5)
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert plain["unknowns"]["D"]["interval90"] == pytest.approx(found.interval()["D"])
    assert plain["assessment"] == {"sd": None, "v": [1.0, 1.0]}
    assert plain["data_loss"] == 0.5
    f = json.loads(json.dumps(_heat().to_json(), allow_nan=False))["unknowns"]["f"]
    assert len(f["values"]) == len(f["points"]["x"]) == 101


def test_classical_answers_say_what_they_cannot_do(tmp_path: Path) -> None:
    problem = get("heat")
    found = fit(problem, problem.observe(problem.truth(), 0.01, 0), "tikhonov")
    assert "by tikhonov" in repr(found)
    assert "a function" in found.summary()
    json.dumps(found.to_json(), allow_nan=False)
    assert found.plot().axes[0].get_title() == "f (no band)"
    for attempt in (
        lambda: found.band("f", {"x": [0.5]}),
        lambda: found.samples(2),
        lambda: found.predict({"t": [1.0], "x": [0.5]}),
        lambda: found.save(tmp_path / "f"),
    ):
        with pytest.raises(ValueError, match="tikhonov"):
            attempt()


def test_a_figure_shows_functions_with_bands_and_the_field() -> None:
    history = {"step": [1.0, 2.0], "objective": [1.0, 0.5], "D": [1.0, 1.7], "rho": [1.0, 1.2]}
    titles = [a.get_title() for a in replace(_fisher(), history=history).plot().axes]
    assert [t for t in titles if t] == ["u", "unknowns, over the answer", "losses"]
    figure = _heat().plot()
    assert [a.get_title() for a in figure.axes if a.get_title()] == ["f", "u"]
    assert figure.axes[0].collections  # the band


def test_a_figure_needs_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    found = _fisher()
    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match="needs matplotlib: pip install"):
        found.plot()


def test_functions_have_bands_and_no_covariance() -> None:
    with pytest.raises(ValueError, match="heat has no unknown scalars: bands are those"):
        _ = _heat().covariance
