"""A method holds its own options and no others; a recipe fills in what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from bilo.methods._fit import METHODS, fit, of_name
from bilo.methods.adjoint import Adjoint
from bilo.methods.bilo import BiLO
from bilo.methods.bpn import BPN
from bilo.methods.deeponet import DeepONet
from bilo.methods.descent import Descent
from bilo.methods.direct_fit import DirectFit
from bilo.methods.pinn import PINN
from bilo.methods.tikhonov import Tikhonov
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.recipes import RecipeError


@pytest.mark.parametrize(
    ("method", "foreign"),
    [
        (BiLO, ("w_data", "samples", "starts", "seed", "checkpoint", "watch")),
        (PINN, ("w_rgrad", "sample_directions", "w_keep", "upper_every", "damping", "samples")),
        (PINN, ("referee", "starts", "device")),
        (BPN, ("w_data", "w_reg", "w_rgrad", "start_grid", "damping", "w_keep")),
        (DeepONet, ("w_data", "w_pretraining", "w_rgrad", "w_keep", "start_grid", "upper_every")),
        (DirectFit, ("w_reg", "recipe", "width", "start_grid")),
        (Adjoint, ("recipe", "width", "starts", "w_data")),
        (Descent, ("recipe", "width", "starts", "w_data")),
        (Tikhonov, ("recipe", "width", "starts", "w_data")),
    ],
)
def test_an_option_that_means_nothing_to_a_method_cannot_be_given(
    method: type[Any], foreign: tuple[str, ...]
) -> None:
    for name in foreign:
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            method(**{name: 1})


@pytest.mark.parametrize(
    ("method", "options", "text"),
    [
        (BiLO, {"rate": 1e-3}, "'lm' has no rate"),
        (BiLO, {"sample_directions": True}, "'lm' has no sample_directions"),
        (BiLO, {"w_keep": 0.1}, "'lm' has no w_keep"),
        (BiLO, {"upper_every": 4}, "'lm' has no upper_every"),
        (PINN, {"rate": 1e-3}, "'lm' has no rate"),
        (BiLO, {"referee": lambda params, nuisance: 0.0}, "'lm' has no referee"),
        (PINN, {"upper_rate": 1e-2}, "'lm' has no upper_rate"),
        (BPN, {}, "BPN descends: it has no recipe lm"),
        (DeepONet, {}, "a DeepONet descends: it has no recipe lm"),
    ],
)
def test_an_option_that_means_nothing_to_a_recipe_cannot_be_given(
    method: type[Any], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(RecipeError, match=text):
        method(recipe="lm", **options)
    assert method(recipe="fast", **options).recipe == "fast"


@pytest.mark.parametrize(
    "options",
    [
        {"w_rgrad": 0.2},
        {"w_pretraining": 0.0},
        {"damping": 1e-4},
        {"upper_rate": 0.1},
        {"start_grid": 2},
        {"fourier": 4},
        {"rate": 1e-3},
        {"dtype": torch.float32},
        {"pretrain_steps": 5},
        {"referee": lambda params, nuisance: 0.0},
        {"w_keep": 1.0},
        {"upper_every": 4},
        {"sample_directions": True},
    ],
)
def test_the_last_layer_s_least_squares_have_no_such_option(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(RecipeError, match=f"'varpro' has no {name}"):
        BiLO("varpro", **options)


def test_recipes_that_a_method_does_not_have() -> None:
    with pytest.raises(RecipeError, match="a PINN has no recipe 'varpro'"):
        PINN("varpro")
    with pytest.raises(RecipeError, match="'paper' has no damping"):
        BiLO("paper", damping=1e-4)
    with pytest.raises(RecipeError, match="'paper' has no damping"):
        DeepONet("paper", damping=1e-4)


@pytest.mark.parametrize(
    ("method", "options", "text"),
    [
        (BiLO, {"recipe": "ml"}, "no recipe 'ml'; there are fast, paper, lm"),
        (BiLO, {"points": "enough"}, "'fast' needs a number of points, or 'all'"),
        (BiLO, {"points": "many"}, "points: 'many' is neither a number nor 'all' nor 'enough'"),
        (BiLO, {"points": 0}, "points: 0 is no whole number of at least 1"),
        (BiLO, {"width": 0}, "width: 0 is no whole number of at least 1"),
        (BiLO, {"layers": 2.5}, "layers: 2.5 is no whole number"),
        (BiLO, {"pretrain_steps": -1}, "pretrain_steps: -1 is no whole number of at least 0"),
        (BiLO, {"history_every": 0}, "history_every: 0 is no whole number of at least 1"),
        (BiLO, {"upper_every": 0}, "upper_every: 0 is no whole number of at least 1"),
        (BiLO, {"w_rgrad": -0.1}, "w_rgrad: -0.1 is no number of at least 0"),
        (PINN, {"w_data": float("nan")}, "w_data: nan is no number of at least 0"),
        (DeepONet, {"w_reg": float("inf")}, "w_reg: inf is no number of at least 0"),
        (BiLO, {"w_reg": "Auto"}, "w_reg: 'Auto' is neither a number nor 'auto'"),
        (DeepONet, {"pretrain_steps": 0}, "it needs some steps"),
        (DeepONet, {"fourier": 2}, "a DeepONet's trunk has no Fourier features"),
        (BPN, {"dtype": torch.float32}, "BPN's differences need float64"),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_once(
    method: type[Any], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        method(**options)


def test_a_recipe_fills_in_what_the_user_left_out() -> None:
    for method, expected in (
        (BiLO("lm"), (16, torch.float64, "enough")),
        (BiLO(), (128, torch.float32, 256)),
        (PINN("paper"), (128, torch.float32, 256)),
        (BiLO("lm", width=12, points="all"), (12, torch.float64, "all")),
    ):
        size = method.architecture
        assert (size.width, size.dtype, method.budget.points) == expected
    assert (BiLO("lm").budget.history_every, BiLO().budget.history_every) == (1, 20)
    assert BiLO("lm", finetune_steps=9).budget.total == 39


def test_another_recipe_fills_in_its_own() -> None:
    """What was left out belongs to the recipe, and what was given stays."""
    other = replace(BiLO(layers=2), recipe="lm")
    assert (other.architecture.width, other.architecture.layers) == (16, 2)


def test_methods_are_values() -> None:
    assert BiLO(w_reg=1e-3) == BiLO("fast", w_reg=1e-3) != BiLO()
    assert {Adjoint(1e-3), Adjoint(w_reg=1e-3)} == {Adjoint(1e-3)}
    with pytest.raises(AttributeError):
        BiLO().w_reg = 1.0  # type: ignore[misc]


def test_a_name_means_a_methods_defaults() -> None:
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.0, 0)
    named, made = fit(problem, data, "direct_fit"), fit(problem, data, DirectFit())
    assert named.method == "direct_fit"
    assert torch.equal(named.params, made.params)
    assert all(of_name(name).name == name for name in METHODS)
    with pytest.raises(ValueError, match="no method 'magic'; there are bilo, pinn, bpn, deeponet"):
        fit(problem, data, "magic")
