"""Tissue probabilities: a mixture with known classes, a head with known tissue, given maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from gbm.config.errors import InputError
from gbm.config.loading import load_patient, load_settings
from gbm.config.source import Source
from gbm.imaging.brain import brain_mask, enclosed
from gbm.imaging.labels import read_regions
from gbm.imaging.mixture import fit_mixture
from gbm.imaging.patient_images import read_head, read_maps
from gbm.imaging.tissue import TISSUES
from gbm.imaging.tissue_segmentation import segment_tissue
from gbm.io.files import read_json
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume
from gbm.steps import check
from gbm.steps.tissue import run
from tests.gbm import head

MEANS, SDS = np.array([300.0, 220.0, 90.0]), np.array([15.0, 25.0, 30.0])


def _mixed(rng: np.random.Generator, outliers: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = 30_000
    weights = rng.dirichlet([0.6, 0.6, 0.4], n).T
    classes = (rng.random(n) > np.cumsum(weights, axis=0)[:2]).sum(axis=0)
    values = MEANS[classes] + SDS[classes] * rng.standard_normal(n)
    wild = rng.random(n) < outliers
    values[wild] = rng.uniform(50, 900, wild.sum())
    return values, weights, classes


@pytest.mark.parametrize("outliers", [0.0, 0.04])
def test_the_mixture_finds_its_parameters(rng: np.random.Generator, outliers: float) -> None:
    values, weights, _ = _mixed(rng, outliers)
    found = fit_mixture(values, weights)
    assert np.abs(found.means - MEANS).max() < 3.0
    assert np.abs(found.sds / SDS - 1).max() < 0.15
    pooled = np.sqrt((SDS[0] ** 2 + SDS[1] ** 2) / 2)
    assert found.contrast == pytest.approx(80.0 / pooled, rel=0.1)


def test_intensities_that_no_class_explains_are_outliers(rng: np.random.Generator) -> None:
    values, weights, _ = _mixed(rng, 0.02)
    found = fit_mixture(values, weights)
    even = np.full((3, 4), 1 / 3)
    trust = found.explained(np.array([300.0, 220.0, 90.0, 700.0]), even)
    assert trust[:3].min() > 0.9
    assert trust[3] < 0.01


def test_a_head_is_segmented_from_blurred_and_shifted_priors() -> None:
    affine, shape = head.ras()
    maps = head.tissue(head.world(affine, shape))
    tumour = head.labels(head.world(affine, shape)) > 0
    image = Volume(head.t1(maps, noise=15.0), affine)
    image.data[tumour] = 150.0
    priors = {}
    for name in TISSUES:
        moved = ndimage.shift(maps[name], (1.5, -1.0, 1.0), order=1)
        priors[name] = Volume(ndimage.gaussian_filter(moved, 2.0).astype(np.float32), affine)
    found = segment_tissue(priors, image, brain_mask(image), tumour)
    healthy = brain_mask(image) & ~tumour
    for name, least in (("wm", 0.95), ("gm", 0.9), ("csf", 0.8)):
        made, true = getattr(found, name).data[healthy] > 0.5, maps[name][healthy] > 0.5
        dice = 2 * (made & true).sum() / (made.sum() + true.sum())
        prior = priors[name].data[healthy] > 0.5
        assert dice > least, name
        assert dice > 2 * (prior & true).sum() / (prior.sum() + true.sum()) + 0.02, name
    # partial volumes pull the mean of the thin fluid up
    for name, tolerance in (("wm", 20.0), ("gm", 20.0), ("csf", 50.0)):
        assert found.qc["means"][name] == pytest.approx(head.INTENSITY[name], abs=tolerance)
    total = sum(getattr(found, name).data for name in TISSUES)
    assert np.allclose(total[brain_mask(image)], 1.0, atol=1e-5)
    assert not total[~brain_mask(image)].any()
    # inside the tumour intensities say nothing: the priors stand
    prior_sum = sum(priors[n].data for n in ("wm", "gm"))[tumour]
    inside = (found.wm.data + found.gm.data)[tumour]
    assert np.abs(inside - prior_sum).mean() < 0.02


def test_noise_makes_no_holes() -> None:
    affine, shape = head.ras()
    maps = head.tissue(head.world(affine, shape))
    image = Volume(head.t1(maps, noise=45.0), affine)
    priors = {n: Volume(maps[n].astype(np.float32), affine) for n in TISSUES}
    found = segment_tissue(priors, image, brain_mask(image), np.zeros(shape, bool))
    deep = ndimage.binary_erosion(maps["wm"] + maps["gm"] > 0.95, iterations=2)
    assert (found.csf.data > 0.5)[deep].mean() < 2e-4


def test_a_brain_that_is_all_tumour_is_refused() -> None:
    affine, shape = head.ras((4.0, 4.0, 4.0))
    maps = head.tissue(head.world(affine, shape))
    image = Volume(head.t1(maps, noise=5.0), affine, Path("t1.nii.gz"))
    priors = {n: Volume(maps[n].astype(np.float32), affine) for n in TISSUES}
    with pytest.raises(InputError, match="outside the tumour"):
        segment_tissue(priors, image, brain_mask(image), brain_mask(image))


def test_brain_masks_ignore_what_is_not_finite_outside() -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    maps = head.tissue(head.world(affine, shape))
    clean = Volume(head.t1(maps, noise=0.0), affine)
    expected = sum(maps.values()) > 0.5
    assert np.array_equal(brain_mask(clean), expected)
    for outside in (np.nan, -1000.0):
        strange = clean.with_data(np.where(expected, clean.data, outside).astype(np.float32))
        assert np.array_equal(brain_mask(strange), expected)


def test_enclosed_fills_an_empty_tumour_at_the_surface() -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    points = head.world(affine, shape)
    tissue = np.asarray(sum(head.tissue(points).values()) > 0.5)
    bite = np.linalg.norm(points - np.array([36.0, 0, 0]).reshape(3, 1, 1, 1), axis=0) < 14
    hull = enclosed(tissue & ~bite)
    assert hull[tissue & bite].mean() > 0.8
    assert hull[~tissue].mean() < 0.05


def _run(file: Path, out: Path) -> dict:
    job = Job(file, load_settings({}, file), Layout(out, "p1"))
    check.run(file, {}, job.files)
    run(job)
    maps = {name: read_volume(path) for name, path in job.files.maps.items()}
    return {**maps, "qc": read_json(job.files.tissue)}


def test_given_maps_are_filled_and_written_on_the_segmentation_s_grid(tmp_path: Path) -> None:
    affine, shape = head.ras((1.0, 1.0, 3.0))
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = shape[0] - 1
    file = head.write_patient(tmp_path, affine @ flip, shape)
    finer, finer_shape = head.ras()
    for name, part in head.tissue(head.world(finer, finer_shape)).items():
        head.save(tmp_path / f"{name}.nii.gz", part.astype(np.float32), finer)
    made = _run(file, tmp_path / "out")
    found = read_regions(load_patient(file).segmentation)
    whole = found.WT.data
    for name in TISSUES:
        assert made[name].same_grid(found.WT)
    assert np.allclose((made["wm"].data + made["gm"].data)[whole], 1.0, atol=1e-5)
    assert not made["csf"].data[whole].any()
    truth = head.tissue(head.world(found.WT.affine, shape))
    for name in TISSUES:
        assert np.abs(made[name].data - truth[name])[~whole].mean() < 0.01
    outside = made["qc"]["wt_outside_tissue_fraction"]
    assert 0.0 < outside["slice"] < 0.3
    assert 0.0 < outside["volume"] < 0.3


def test_filling_can_be_switched_off(tmp_path: Path) -> None:
    file = head.write_patient(tmp_path, *head.ras((2.0, 2.0, 2.0)))
    file.write_text(file.read_text().replace("csf.nii.gz}", "csf.nii.gz, fill_tumour: false}"))
    made = _run(file, tmp_path / "out")
    found = read_regions(load_patient(file).segmentation)
    assert made["csf"].data[found.WT.data].max() > 0.5


def test_maps_without_csf_get_what_lacks_to_one(tmp_path: Path) -> None:
    file = head.write_patient(tmp_path, *head.ras((2.0, 2.0, 2.0)))
    file.write_text(file.read_text().replace(", csf: csf.nii.gz", ""))
    patient = load_patient(file)
    found, _ = read_maps(patient, read_regions(patient.segmentation))
    truth = head.tissue(head.world(*head.ras((2.0, 2.0, 2.0))))
    deep = enclosed(truth["wm"] + truth["gm"] > 0.5)
    assert np.abs(found.csf.data - truth["csf"])[deep].max() < 1e-5


def test_nan_inside_the_brain_is_refused_and_outside_accepted(tmp_path: Path) -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    data = head.t1(head.tissue(head.world(affine, shape)), noise=5.0)
    brain = data > 0
    outside = head.save(tmp_path / "a.nii.gz", np.where(brain, data, np.nan), affine)
    found = read_head(Source("patient.images.t1", outside))
    assert np.isfinite(found.image.data).all()
    assert found.brain.data.sum() == pytest.approx(brain.sum() * 8, rel=0.02)
    data[tuple(np.array(shape) // 2)] = np.nan
    inside = head.save(tmp_path / "b.nii.gz", data, affine)
    with pytest.raises(InputError, match="1 voxels inside the brain") as caught:
        read_head(Source("patient.images.t1", inside))
    assert (caught.value.file, caught.value.key) == (inside, "patient.images.t1")
