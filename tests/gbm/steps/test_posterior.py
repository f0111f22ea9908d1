"""The step of the posterior: its files hold samples with the record beside them, or a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gbm.config.settings import Settings
from gbm.domain.domain import Domain, save_domain
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.io.layout import Layout, arrays
from gbm.judging.posterior import GrowthPosterior
from gbm.results.posterior_record import Uncertainty
from gbm.steps import posterior
from gbm.steps.posterior import sampling_of
from tests.gbm.conftest import Grown

SETTINGS = Settings.model_validate(
    {"uncertainty": {"samples": 60, "noise": {"floor_mm": 1.5, "factor": 1.4},
                     "infiltrated_above": 0.02}}
)  # fmt: skip


def written(folder: Path, grown: Grown, domain: Domain) -> Layout:
    """The files of the step, with the truth in place of the direct fit."""
    files = Layout(folder, "grown")
    save_domain(files.domain, domain)
    direct = {
        "lambda_mm": grown.growth.lambda_mm, "rhoT": grown.rhoT, "x0_grid_mm": grown.x0,
        "thresholds": grown.thresholds, "objective": 0.1,
    }  # fmt: skip
    write_sealed(files.baselines, {"direct_fdm": direct})
    posterior.run(Job(None, SETTINGS, files))
    return files


def test_the_sampling_is_that_of_the_settings() -> None:
    asked = sampling_of(SETTINGS.uncertainty)
    assert (asked.samples, asked.floor_mm, asked.factor) == (60, 1.5, 1.4)
    assert asked.infiltrated_above == 0.02
    assert sampling_of(Settings().uncertainty).samples == 200


def test_samples_and_maps_of_a_slice(grown: Grown, tmp_path: Path) -> None:
    domain = grown.domain
    files = written(tmp_path, grown, domain)
    with np.load(arrays(files.posterior), allow_pickle=False) as stored:
        found = dict(stored)
    names = ("lambda_mm", "rhoT", "DT_mm2", "WT", "TC", "weights")
    assert all(found[name].shape == (60,) for name in names)
    assert np.allclose(found["DT_mm2"], found["lambda_mm"] ** 2 * found["rhoT"])
    assert found["weights"].sum() == pytest.approx(1.0)
    assert found["x0_mm"].shape == (60, 3)
    # in the world, not along the axes of the plane, which begin elsewhere
    centre = found["weights"] @ found["x0_mm"]
    assert np.linalg.norm(centre - domain.to_world(grown.x0)) < 1.5
    for name in ("low", "median", "high", "infiltration"):
        assert found[name].shape == domain.phi.shape
        assert found[name].dtype == np.float32
    record = read_sealed(files.posterior)
    assert set(record["noise_mm"]) == set(record["misfit_mm"]) == {"WT", "TC"}
    assert record["noise_mm"]["WT"] == 1.5  # the floor
    known = GrowthPosterior.read(files, with_slices=False)
    told = known.to_record()
    assert isinstance(told, Uncertainty)
    assert told.reason is None
    assert known.misfit_mm == max(record["misfit_mm"].values())
    assert set(known.extents) == {
        "extent_0.1_mm2", "extent_0.01_mm2", "margin_0.1_mm", "margin_0.01_mm"
    }  # fmt: skip
    estimate = known.estimate("lambda_mm", grown.growth.lambda_mm)
    assert estimate.interval90 is not None
    assert estimate.interval90[0] < grown.growth.lambda_mm < estimate.interval90[1]
    assert estimate.sd == estimate.sd_posterior


def test_an_outline_at_walls_alone_gives_a_reason(grown: Grown, tmp_path: Path) -> None:
    """The tumour fills what there is of tissue."""
    domain = replace(grown.domain, phi=np.where(grown.domain.WT, 1.0, 1e-4))
    files = written(tmp_path, grown, replace(domain, TC=domain.TC & False))
    record = read_sealed(files.posterior)
    assert set(record) == {"reason"}
    assert "all of it lies at the walls" in record["reason"]
    with np.load(arrays(files.posterior)) as stored:
        assert list(stored) == []
    known = GrowthPosterior.read(files, with_slices=False)
    assert known.estimate("lambda_mm", 3.0).interval90 is None
    assert (known.origin(), known.misfit_mm, known.extents) == (None, None, {})
