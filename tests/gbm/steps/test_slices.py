"""The same tumour on neighbouring slices: which are taken, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gbm
from gbm.config.patient import LabelMap
from gbm.domain.domain import Domain, load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.imaging.labels import TumourRegions, regions
from gbm.io.files import read_sealed
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.io.volumes import Volume
from gbm.posterior.by_objective import direct_fit
from gbm.steps import check, domain, slices, tissue
from gbm.steps.slices import neighbours, outcome, tells
from tests.gbm.conftest import disc_domain
from tests.workflow.phantom import MIDDLE, write

ORDERS = {0: (2, 0, 1), 1: (0, 2, 1), 2: (0, 1, 2)}
"""Of the array's axes, such that the slices lie along each of them."""


@dataclass(frozen=True)
class FoundFit:
    """What a slice's fit says."""

    lambda_mm: float
    rhoT: float
    DT: float
    thresholds: dict[str, float]


def stack(
    depth: int, step_mm: float, axis: int = 2, core: Sequence[int] | None = None, flip: int = 1
) -> TumourRegions:
    """Axial slices along an axis of the file, all with WT, some (all: None) with a core."""
    labels = np.zeros((24, 22, depth), np.int16)
    labels[6:16, 6:16] = 2
    labels[9:13, 9:13, slice(None) if core is None else list(core)] = 4
    affine = np.diag([1.0, 1.0, flip * step_mm, 1.0])
    own = Volume(labels.transpose(ORDERS[axis]), affine[:, [*ORDERS[axis], 3]])
    return regions(own, LabelMap(WT=(2, 4), TC=(4,)))


def fitted(index: int, core: bool = True) -> Domain:
    """An axial plane of such a file."""
    made = disc_domain()
    return replace(made, slice=index, TC=made.TC if core else made.TC & False)


@pytest.mark.parametrize("axis", ORDERS)
@pytest.mark.parametrize(
    ("step_mm", "depth", "at", "found"),
    [
        (1.0, 30, 15, [(-6.0, 9), (-3.0, 12), (3.0, 18), (6.0, 21)]),
        (3.0, 30, 15, [(-6.0, 13), (-3.0, 14), (3.0, 16), (6.0, 17)]),
        (5.0, 30, 15, [(-5.0, 14), (5.0, 16)]),  # the nearest to 3 and to 6 mm, once
        (4.0, 30, 15, [(-8.0, 13), (-4.0, 14), (4.0, 16), (8.0, 17)]),
        (0.5, 30, 15, [(-6.0, 3), (-3.0, 9), (3.0, 21), (6.0, 27)]),
        (15.0, 30, 15, []),  # the next slice is another tumour
        (1.0, 30, 2, [(3.0, 5), (6.0, 8)]),  # never the other end of the file
        (1.0, 30, 29, [(-6.0, 23), (-3.0, 26)]),
        (1.0, 1, 0, []),
    ],
)
def test_the_neighbours_of_a_slice(
    step_mm: float, depth: int, at: int, found: list[tuple[float, int]], axis: int
) -> None:
    assert neighbours(fitted(at), stack(depth, step_mm, axis)) == found


def test_distances_are_along_the_axis_of_the_file() -> None:
    """Whichever way it runs in the world."""
    assert neighbours(fitted(15), stack(30, 3.0, flip=-1)) == neighbours(fitted(15), stack(30, 3.0))


def test_a_file_of_one_slice_need_not_say_how_thick_it_is() -> None:
    one = stack(1, 1.0)
    affine = one.WT.affine.copy()
    affine[:3, 2] = 0.0
    flat = replace(one, WT=replace(one.WT, affine=affine), TC=replace(one.TC, affine=affine))
    assert neighbours(fitted(0), flat) == []


def test_a_slice_that_lacks_the_core_is_left_out() -> None:
    held = stack(30, 1.0, core=[9, 15, 18])
    assert [index for _, index in neighbours(fitted(15), held)] == [9, 18]
    # of a slice without one all neighbours count, for the whole tumour
    assert [i for _, i in neighbours(fitted(12, core=False), held)] == [6, 9, 15, 18]


def test_a_slice_with_all_of_its_outlines_at_walls_tells_nothing() -> None:
    made = disc_domain()
    assert tells(made)
    assert tells(replace(made, WT=made.tissue))
    assert tells(replace(made, TC=made.TC & False))
    assert not tells(replace(made, WT=made.tissue, TC=made.tissue))
    assert not tells(replace(made, WT=made.tissue, TC=made.TC & False))


def test_such_a_slice_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mode is that of the prior, and no part of a scatter."""
    monkeypatch.setattr(slices, "OFFSETS_MM", (-1.0, 1.0))
    monkeypatch.setattr(slices, "tells", lambda domain: domain.slice != MIDDLE + 1)
    found = disc_domain(), FoundFit(5.0, 6.0, 150.0, {"WT": 0.3, "TC": 0.6})

    def fit_slice(name: str, maps: Any, both: Any, own: Any) -> tuple[Domain, FoundFit]:
        return replace(found[0], slice=own.slice.index), found[1]

    monkeypatch.setattr(slices, "fit_slice", fit_slice)
    file, job_files = write(tmp_path, "p01"), Layout(tmp_path / "out", "p01")
    job = Job(file, gbm.Settings(), job_files)
    check.run(file, {}, job.files)
    for step in (tissue, domain, slices):
        step.run(job)
    kept = read_sealed(job.files.slices)["slices"]
    assert [s["slice"] for s in kept] == [MIDDLE - 1, MIDDLE]


def test_the_threshold_of_an_empty_core_is_none() -> None:
    fit = {"lambda_mm": 5.0, "rhoT": 6.0, "DT_mm2": 150.0, "thresholds": {"WT": 0.3, "TC": 0.6}}
    assert outcome(fitted(4), 3.0, fit) == {"offset_mm": 3.0, "slice": 4, **fit}
    bare = outcome(fitted(4, core=False), 3.0, fit)
    assert bare["thresholds"] == {"WT": 0.3, "TC": None}
    assert fit["thresholds"] == {"WT": 0.3, "TC": 0.6}


def test_modes_of_a_patient_s_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the phantom's slices of 1 mm; those of the posterior, whatever the fits descend."""
    monkeypatch.setattr(slices, "OFFSETS_MM", (-6.0, 1.0))
    settings = gbm.Settings.model_validate({"verify": {"refine": 1}})
    file = write(tmp_path, "p01")
    job = Job(file, settings, Layout(tmp_path / "out", "p01"))
    check.run(file, {"verify": {"refine": 1}}, job.files)
    for step in (tissue, domain, slices):
        step.run(job)
    found = read_sealed(job.files.slices)["slices"]
    assert [(s["offset_mm"], s["slice"]) for s in found] == [(0.0, MIDDLE), (1.0, MIDDLE + 1)]
    own, other = found
    fitted, asked = load_domain(job.files.domain), slices.by_outline(settings)
    inverse = GrowthInverseProblem.of(fitted, asked)
    mode = direct_fit(fitted, inverse.characteristic(fitted), inverse, refine=1)
    assert own["lambda_mm"] == pytest.approx(mode.lambda_mm, rel=1e-9)
    assert own["thresholds"] == pytest.approx(mode.thresholds, rel=1e-9)
    # the other shows a smaller tumour, which the same growth and higher thresholds explain
    assert other["lambda_mm"] != own["lambda_mm"]
    assert abs(np.log(other["lambda_mm"] / own["lambda_mm"])) < 0.7
    assert abs(np.log(other["rhoT"] / own["rhoT"])) < 0.4


def test_other_settings_of_the_objective_stay() -> None:
    own = {"thresholds": {"WT": 0.3, "TC": 0.7}, "k_final": 80.0, "prior_weight": 0.01}
    found = slices.by_outline(gbm.Settings.model_validate({"objective": own})).objective
    assert (found.name, found.k_final, found.prior_weight) == ("outline", None, None)
    assert (found.thresholds.WT, found.thresholds.TC) == (0.3, 0.7)
