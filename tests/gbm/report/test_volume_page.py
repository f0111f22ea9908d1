"""The page of a whole tumour: three planes through the volume, and words that fit it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy.special import expit

from gbm.domain.plane import edge_names, sample
from gbm.growth.extent import LEVELS, infiltrated
from gbm.growth.growth_map import coarsen
from gbm.io.files import read_json, write_sealed
from gbm.report.fields import Trained
from gbm.report.methods_text import methods
from gbm.report.section import ACROSS, section
from gbm.results.patient_result import read_result
from tests.browser import chromium
from tests.gbm.conftest import ball_domain, disc_domain
from tests.gbm.report.test_other_pages import read
from tests.gbm.report.test_patient_page import report, sound

KINDS = ("density_fdm", "reach", "infiltration")
PLANES = [f"{place}_{plane}" for place in ("origin", "centre") for plane in ACROSS]


def test_a_cut_is_the_plane_of_the_world_that_it_says() -> None:
    """Its own affine finds a known field where the volume has it."""
    domain = ball_domain()
    x, y, z = np.ix_(*domain.axes)
    field = (x + 100.0 * y + 10000.0 * z).astype(float)
    place = np.array([4.2, 17.0, 60.7])
    names = {"axial": ("L", "R"), "coronal": ("L", "R"), "sagittal": ("P", "A")}
    for plane, across in ACROSS.items():
        cut = section(domain, plane, place)
        values = cut.of(field)
        assert np.allclose(
            values, np.take(field, int(np.rint(domain.index(place)[across])), across)
        )
        assert np.allclose(sample(cut.domain, field, domain.affine), values)
        assert cut.domain.WT.shape == values.shape == tuple(a.size for a in cut.domain.axes)
        assert edge_names(cut.domain)[0] == names[plane]
        assert edge_names(cut.domain)[1] == (("P", "A") if plane == "axial" else ("I", "S"))
        # the point stays in the plane, to half a voxel
        world = cut.domain.to_world(cut.point(place))
        assert np.abs(world - domain.to_world(place)).max() <= 0.5
        assert np.array_equal(cut.of(np.stack([field, field]))[1], values)


def test_a_slice_is_its_own_plane() -> None:
    domain = disc_domain()
    cut = section(domain, "coronal", domain.x0)
    assert cut.domain is domain
    assert cut.of(domain.phi) is domain.phi
    assert np.array_equal(cut.point(domain.x0), domain.x0)


def test_the_centre_is_that_of_the_tumour() -> None:
    domain = ball_domain()
    assert np.allclose(domain.centroid(domain.WT), [8, 20, 53], atol=0.3)


def test_a_network_of_coarse_cells_is_drawn_between_them() -> None:
    """A logit that is linear in space comes back on the voxels of a plane."""
    domain = ball_domain()
    x, y, z = np.ix_(*(np.arange(n, dtype=float) for n in domain.phi.shape))
    field = 0.1 * (x - 15) + 0.05 * (y - 10) - 0.2 * (z - 14)
    network = Trained(np.array([1.0]), expit(coarsen(field, 2))[None], {})
    cut = section(domain, "coronal", domain.x0)
    (drawn,) = network.on(cut, domain.phi.shape)
    inside = (slice(1, -1), slice(1, -1))  # constant beyond the outermost cells
    assert np.allclose(drawn[inside], expit(cut.of(field))[inside], atol=1e-6)


def test_the_error_of_a_network_is_drawn_on_its_cells_of_tissue() -> None:
    domain = ball_domain()
    fdm = np.random.default_rng(0).random(domain.phi.shape)
    network = Trained(np.array([1.0]), coarsen(fdm, 2)[None] + 0.25, {})
    cut = section(domain, "sagittal", domain.x0)
    found = network.minus(fdm, domain.phi, cut)
    tissue = cut.of(np.kron(coarsen(domain.phi, 2) > 0.5, np.ones((2, 2, 2), bool)))
    assert np.allclose(found[tissue], 0.25)
    assert np.isnan(found[~tissue]).all()


def test_what_is_infiltrated_lies_in_tissue_outside_the_tumour() -> None:
    domain = disc_domain()
    found = infiltrated(domain, np.full(domain.phi.shape, 0.02), min(LEVELS))
    assert found.sum() == (domain.tissue & ~domain.WT).sum()
    assert not infiltrated(domain, np.full(domain.phi.shape, 0.005), min(LEVELS)).any()


@pytest.mark.parametrize("name", ["volume", "volume without network"])
def test_the_page_is_sound_and_has_every_plane(name: str, reported: Any) -> None:
    bundle = reported(name)
    structure = sound(bundle.files.page.read_text())
    drawn = {path.stem for path in bundle.files.figures.glob("*.svg")}
    assert drawn >= {f"{kind}_{plane}" for kind in KINDS for plane in PLANES}
    assert drawn >= {"profile", "surface", "scores", "views", "tissue", "posterior"}
    networks = {"density_network", "error", "losses", "unknowns", "time"}
    assert (drawn & networks) == (networks if name == "volume" else set())
    # all that is drawn is on the page, and nothing else
    assert len(structure.sources) == len(drawn)


def test_an_image_is_cut_into_the_same_planes(volume_bundle: Any, tmp_path: Path) -> None:
    domain = volume_bundle.domain
    image = nib.Nifti1Image(domain.phi * (50 + domain.wm), domain.affine)
    nib.save(image, tmp_path / "t1c.nii.gz")
    report(volume_bundle, images={"t1c": tmp_path / "t1c.nii.gz"})
    drawn = {path.stem for path in volume_bundle.files.figures.glob("*.svg")}
    assert drawn >= {f"overlay_{plane}" for plane in PLANES}


def test_the_words_are_those_of_a_volume(reported: Any) -> None:
    text = unescape(read(reported("volume").files.page.read_text()))
    for phrase in (
        "the whole tumour, in three dimensions",
        "DICE of a ball of equal volume",
        "a plain ball of the same volume at the centre of the core",
        "the network learns on cells of 2 mm and its error of u is taken there",
        "come from solutions on 1 mm",
        "One slice alone would have said something else: a direct fit of axial slice 14 gives "
        "λ = 7.3 mm (46 % higher) and ρT = 4.5 (25 % lower)",
        "objective 0.2530 (BiLO, by finite volumes) against 0.2525 (direct fit), on the 2 mm cells "
        "that the network learns on; on 1 mm 0.2510 against 0.2505",
        "The intervals are those of the whole tumour.",
        "λ = 4.8 mm (90 % 3.3 to 6.9)",  # 4.8 exp(.2 * 1.845): no slice widens it
        "63.4 ml u > 0.1, margin 4.2 mm; u > 0.01: 217.6 ml, margin 8.1 mm",
        "radius of a ball of equal volume, whole tumour, mm",
        "balls of equal volume",
    ):
        assert phrase in text, phrase
    for phrase in ("disc", "mm²/day)" * 2, "local spread", "on the fitted slice", "slice None"):
        assert phrase not in text.lower(), phrase
    assert "A slice is not the tumour" not in text


def test_the_page_of_a_direct_fit_speaks_of_no_network(reported: Any) -> None:
    text = read(reported("volume without network").files.page.read_text())
    assert not re.search(r"BiLO|PINN", text.replace("bilo-gbm", ""))
    assert "a network would learn on cells of 2 mm" in text
    assert "come from solutions on 1 mm" in text


def test_a_slice_fit_that_did_not_settle_is_said_not_to(volume_bundle: Any) -> None:
    path = volume_bundle.files.slice_fit
    unsure = {"converged": False, "warnings": ["lambda_mm sits on a bound"]}
    write_sealed(path, read_json(path) | unsure)
    assert "its fit did not settle (lambda_mm sits on a bound)" in read(report(volume_bundle))


def test_the_page_of_a_slice_says_that_it_is_not_the_tumour(reported: Any) -> None:
    text = unescape(read(reported("slice").files.page.read_text()))
    for phrase in (
        "A slice is not the tumour",
        "On eight real heads λ of the slice was between 13 % below and 4.9 times that of the "
        "whole tumour",
        "its λ was 15 % off at the median and its ρT 19 %, those of the whole 5 % and 3 %",
        "--set dimensions=3 (of snakemake: --config dimensions=3)",
        "63 mm² u > 0.1, margin 4.2 mm; u > 0.01: 218 mm², margin 8.1 mm",
    ):
        assert phrase in text, phrase
    assert "One slice alone" not in text
    assert "ball" not in text


def test_methods_name_the_volume_and_its_grids(reported: Any) -> None:
    text = " ".join(methods(read_result(reported("volume").files.params)))
    assert "The three-dimensional problem is the whole tumour with 40 mm on every side" in text
    assert "cells of 2 mm" in text
    assert "solutions on 1 mm" in text
    assert "two-dimensional" not in text
    assert "a ball of the volume of each region" in text


def test_the_viewer_opens_at_the_origin(reported: Any, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as browser:
        browser.open(reported("volume").files.page)
        browser.evaluate("document.getElementById('viewer').scrollIntoView()")
        browser.wait_for("document.getElementById('viewer').dataset.state !== 'waiting'")
        said = browser.evaluate("document.querySelector('#viewer output').textContent")
        assert said == "9, 20, 54 mm (RAS) · white matter · tumour core · density 1.00"
        assert browser.evaluate("document.querySelector('#viewer select').value") == "all"
        assert browser.complaints == []
