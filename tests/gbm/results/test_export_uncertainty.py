"""What the posterior says of the density, on the grid of the segmentation."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.io.files import read_json, read_sealed, write_npz, write_sealed
from gbm.io.layout import arrays, sidecar
from gbm.results.posterior_record import FLAGS
from gbm.steps.export import run as export
from gbm.steps.export_uncertainty import run
from gbm.steps.metrics import run as step_metrics
from tests.gbm.conftest import FILE_SLICE, SLICES

NAMES = {
    "low": "desc-lower_celldensity.nii.gz",
    "high": "desc-upper_celldensity.nii.gz",
    "infiltration": "desc-infiltration_probseg.nii.gz",
}


def data_of(bundle: Any, name: str) -> np.ndarray:
    assert bundle.files.uncertain[name] == bundle.anat_file(NAMES[name])
    image = nib.load(bundle.files.uncertain[name])
    reference = nib.load(bundle.root / "seg.nii.gz")
    assert image.shape == reference.shape
    assert np.allclose(image.affine, reference.affine)
    assert image.get_data_dtype() == np.float32
    return image.get_fdata()


@pytest.mark.parametrize("kind", ["bundle", "volume_bundle"])
def test_the_maps_are_those_of_the_posterior(kind: str, request: pytest.FixtureRequest) -> None:
    made = request.getfixturevalue(kind)
    run(made.job)
    tissue, stored = made.domain.tissue, np.load(arrays(made.files.posterior))
    found = {name: data_of(made, name) for name in NAMES}
    for name, data in found.items():
        own = data[..., FILE_SLICE] if kind == "bundle" else data
        assert np.allclose(own, np.where(tissue, stored[name], 0), atol=1e-6)
        assert data.min() == 0.0
        assert 0.4 < data.max() <= 1.0
        if kind == "bundle":
            assert not data[..., [k for k in range(SLICES) if k != FILE_SLICE]].any()
    assert (found["low"] <= found["high"]).all()


@pytest.mark.parametrize("kind", ["bundle", "volume_bundle"])
def test_the_sidecars_place_them_as_that_of_the_density(
    kind: str, request: pytest.FixtureRequest
) -> None:
    made = request.getfixturevalue(kind)
    step_metrics(made.job)
    export(made.job)
    run(made.job)
    density = read_json(sidecar(made.files.density))
    words = {"low": "5 % of", "high": "95 % of", "infiltration": "Probability that"}
    for name, path in made.files.uncertain.items():
        about = read_json(sidecar(path))
        place = {"Sources", "SpatialReference", "Dimensions", "Plane", "SliceIndex", "SliceAxis"}
        assert {k: v for k, v in about.items() if k in place} == {
            k: v for k, v in density.items() if k in place
        }
        assert about["SpatialReference"] == "patient.segmentation.path"
        assert about["Description"].startswith(words[name])
        assert "200 samples" in about["Description"]
        assert (about["Conditional"], about["NoPosterior"]) == ([], None)


def test_the_settings_are_in_the_words(bundle: Any) -> None:
    bundle.settings["uncertainty"] |= {"infiltrated_above": 0.05, "samples": 60}
    run(bundle.job)
    said = read_json(sidecar(bundle.files.uncertain["infiltration"]))["Description"]
    assert said.startswith("Probability that the tumour cell density is above 0.05, over 60")


def test_a_flag_stands_in_words_beside_each_map(bundle: Any) -> None:
    record = read_sealed(bundle.files.posterior)
    write_sealed(bundle.files.posterior, record | {"flags": [*FLAGS]})
    run(bundle.job)
    for path in bundle.files.uncertain.values():
        assert read_json(sidecar(path))["Conditional"] == [*FLAGS.values()]


def test_without_a_posterior_no_voxel_has_a_number(bundle: Any) -> None:
    write_npz(arrays(bundle.files.posterior))
    write_sealed(bundle.files.posterior, {"reason": "all of every outline lies at walls"})
    run(bundle.job)
    for name, path in bundle.files.uncertain.items():
        assert np.isnan(data_of(bundle, name)).all()
        assert read_json(sidecar(path))["NoPosterior"] == "all of every outline lies at walls"
