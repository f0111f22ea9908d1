"""Phantoms are the same every time, and what they were made with is in them and comes back."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.demo.phantoms import Phantom, make, phantoms
from gbm.growth.characteristic import characteristic
from gbm.imaging.overlap import dice
from gbm.search.direct_fit import direct_fit


@pytest.fixture(scope="module")
def clean() -> Phantom:
    (case,) = (case for case in phantoms() if case.name == "clean-2")
    return make(case)


def test_the_set_holds_what_it_should() -> None:
    cases = phantoms()
    assert len({case.name for case in cases}) == len(cases) >= 20
    assert [case.seed for case in cases] == list(range(len(cases)))
    assert {case.truth.lambda_mm for case in cases if case.kind == "sharp"} == {1.0}
    assert {case.truth.lambda_mm for case in cases if case.kind == "wide"} == {7.0}
    assert all(case.truth.boundary_mm == 0 for case in cases if case.kind == "clean")
    assert all(case.truth.boundary_mm >= 0.5 for case in cases if case.kind == "noisy")


def test_regions_are_those_of_the_density(clean: Phantom) -> None:
    truth, domain = clean.case.truth, clean.domain
    for mask, level in ((domain.WT, truth.WT), (domain.TC, truth.TC)):
        assert dice(mask, clean.u > level) > 0.98
    i, j = (
        np.argmin(np.abs(domain.axes[0] - clean.x0[0])),
        np.argmin(np.abs(domain.axes[1] - clean.x0[1])),
    )
    assert domain.TC[i, j]
    assert clean.u[i, j] > truth.TC


def test_a_phantom_is_the_same_every_time_and_noise_moves_its_outlines() -> None:
    (case,) = (case for case in phantoms() if case.name == "small-core-3")
    first, again = make(case), make(case)
    np.testing.assert_array_equal(first.domain.WT, again.domain.WT)
    np.testing.assert_array_equal(first.u, again.u)
    assert 0.5 < dice(first.domain.TC, first.u > case.truth.TC) < 0.97


def test_the_direct_fit_finds_a_phantom_s_parameters(clean: Phantom) -> None:
    numbers = clean.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    found = direct_fit(clean.domain, start, refine=1)
    errors = clean.case.errors(found.lambda_mm, found.rhoT)
    assert abs(errors["ln_lambda"]) < 0.1
    assert abs(errors["ln_rhoT"]) < 0.1
    assert np.hypot(*(found.x0 - clean.x0)) < 0.5
    assert found.warnings == ()
