"""Phantoms in space: what they were made with is in them, and outlines err as much as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from gbm.config.settings import Settings
from gbm.demo.head import Truth
from gbm.demo.outlines import front_slope, thresholded
from gbm.demo.volumes import SpacePhantom, make_in_space, space_phantoms
from gbm.domain.build import build_domain
from gbm.imaging.labels import TumourRegions
from gbm.imaging.overlap import dice
from gbm.imaging.tissue import Tissue
from gbm.io.volumes import Volume

SMALLEST = 13


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpacePhantom, SpacePhantom]:
    """The smallest tumour on cells of 1 mm, clean and noisy; grown once."""
    folder = tmp_path_factory.mktemp("grown")
    cases = space_phantoms()[2 * SMALLEST : 2 * SMALLEST + 2]
    clean, noisy = (make_in_space(case, folder, refine=1) for case in cases)
    assert len(list(folder.iterdir())) == 1
    return clean, noisy


def test_the_set_holds_what_it_should() -> None:
    cases = space_phantoms()
    assert len({case.name for case in cases}) == len(cases) >= 24
    truths = [case.truth for case in cases]
    assert min(t.lambda_mm for t in truths) == 1.5
    assert max(t.lambda_mm for t in truths) == 4.0
    assert min(t.rhoT for t in truths) == 8.0
    assert max(t.rhoT for t in truths) >= 16.0
    assert {case.kind for case in cases} == {"clean", "noisy"}
    assert all((case.truth.boundary_mm == 0.0) == (case.kind == "clean") for case in cases)
    assert len({t.origin_atlas for t in truths}) >= 8


@pytest.mark.slow
def test_regions_are_those_of_the_density(pair: tuple[SpacePhantom, SpacePhantom]) -> None:
    clean, noisy = pair
    truth, seen = clean.case.truth, clean.volumes
    tissue = seen.wm + seen.gm >= 0.5
    assert np.array_equal(seen.WT, (seen.u > truth.WT) & tissue)
    assert np.array_equal(noisy.volumes.u, seen.u)
    assert 0.85 < dice(noisy.volumes.WT, seen.WT) < 0.98
    assert not (noisy.volumes.TC & ~noisy.volumes.WT).any()
    assert seen.TC.sum() > 3000
    at = tuple(int(np.argmin(np.abs(x - c))) for x, c in zip(seen.axes, clean.x0, strict=True))
    assert seen.TC[at]
    assert seen.wm[at] > 0.85
    assert all(np.all(np.diff(x) == 1.0) for x in seen.axes)
    assert {a.dtype for a in (seen.wm, seen.gm, seen.csf, seen.u)} == {np.dtype(np.float32)}


@pytest.mark.slow
def test_its_largest_slice_is_a_problem_of_the_plane(
    pair: tuple[SpacePhantom, SpacePhantom],
) -> None:
    clean, _ = pair
    seen = clean.volumes.largest_slice()

    def volume(a: np.ndarray) -> Volume:
        return Volume(a, seen.affine)

    tissue = Tissue(volume(seen.wm), volume(seen.gm), volume(seen.csf), qc={})
    regions = TumourRegions(volume(seen.WT), volume(seen.TC), {})
    domain = build_domain("phantom", tissue, regions, Settings())
    assert domain.WT.sum() == clean.volumes.WT.sum(axis=(0, 1)).max()
    assert np.isin(domain.axes[0], seen.axes[0]).all()
    assert domain.to_world(domain.x0)[2] == pytest.approx(seen.axes[2][0])


def test_outlines_err_by_the_displacement_they_name() -> None:
    """A ball whose logit falls by 0.4 a millimetre."""
    x = np.arange(64) - 31.5
    r = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    u = 1.0 / (1.0 + np.exp(0.4 * (r - 20.0)))
    everywhere = np.ones(u.shape, bool)
    assert front_slope(0.4 * (20.0 - r), everywhere, 0.5) == pytest.approx(0.4, rel=0.02)
    truth = Truth(boundary_mm=1.5, boundary_length_mm=4.5)
    drawn = thresholded(u, everywhere, 0.5, truth, np.random.default_rng(3))
    border = drawn & (distance_transform_edt(drawn) < 1.5)
    size = np.sqrt(np.mean((r[border] + 0.5 - 20.0) ** 2))
    assert 1.1 < size < 2.0
    again = thresholded(u, everywhere, 0.5, truth, np.random.default_rng(3))
    assert np.array_equal(drawn, again)
