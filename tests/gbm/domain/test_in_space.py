"""The whole tumour as a problem: one anatomy on many grids, the crop, memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.config.settings import Settings
from gbm.domain.build import build_domain
from gbm.domain.domain import load_domain, save_domain
from gbm.domain.fitted_grid import MARGIN_MM, around
from gbm.imaging.labels import regions
from gbm.imaging.tissue import TISSUES, Tissue
from gbm.io import memory
from gbm.io.volumes import Volume
from tests.gbm import head
from tests.gbm.domain.test_build import BRATS, GRIDS, _made

SPACE = Settings(dimensions=3)


@pytest.mark.parametrize("name", ["lps", "permuted"])
def test_reorientation_changes_nothing(name: str) -> None:
    reference, other = (build_domain("a", *_made(grid), SPACE) for grid in ("ras", name))
    for field in ("P", "phi", "WT", "TC", "x0", "affine"):
        np.testing.assert_array_equal(getattr(reference, field), getattr(other, field))
    assert reference.numbers == other.numbers
    assert (reference.plane, reference.slice) == (None, None)


@pytest.mark.parametrize("name", ["oblique", "anisotropic"])
def test_the_same_head_on_another_grid_gives_the_same_problem(name: str) -> None:
    """Slices of 4 mm draw the outline in steps: a few percent of the volume."""
    reference, other = (build_domain("a", *_made(grid), SPACE) for grid in ("ras", name))
    for made in (reference, other):
        assert np.linalg.norm(made.to_world(made.x0) - np.array(head.TUMOUR)) < 1.0
    for key in ("wt_volume_ml", "radius_WT_mm", "radius_TC_mm", "tissue_volume_ml"):
        assert other.numbers[key] == pytest.approx(reference.numbers[key], rel=0.04), key


def test_a_volume_holds_the_whole_segmentation() -> None:
    tissue, found = _made("lps")
    made = build_domain("a", tissue, found, SPACE)
    assert made.numbers["wt_volume_ml"] == pytest.approx(found.WT.data.sum() / 1000)
    assert made.WT.sum() == found.WT.data.sum()
    i, j, k = np.argwhere(made.TC)[0]
    world = made.affine @ [i, j, k, 1]
    index = np.rint(np.linalg.inv(found.WT.affine) @ world).astype(int)[:3]
    assert found.TC.data[tuple(index)]
    assert all(n % 4 == 0 for n in made.phi.shape)
    assert made.P.dtype == made.phi.dtype == np.float32
    corner = made.to_world(np.array([axis[0] for axis in made.axes]))
    np.testing.assert_allclose(corner, made.affine[:3, 3])


def test_the_crop_goes_on_beyond_the_field_of_view() -> None:
    """A tumour cut by the border of the file: nothing grows where nothing is known."""
    affine, shape = GRIDS["ras"]
    cut = int(np.rint(head.TUMOUR[0] - affine[0, 3]))
    points = head.world(affine, shape)[:, :cut]
    maps = head.tissue(points)
    tissue = Tissue(*(Volume(maps[n].astype(np.float32), affine) for n in TISSUES), qc={})
    found = regions(Volume(head.labels(points), affine), BRATS)
    grid = around(found).grid
    seen = np.argwhere(found.WT.data)
    assert grid.data.shape[0] >= np.ptp(seen[:, 0]) + 1 + 2 * MARGIN_MM
    made = build_domain("a", tissue, found, SPACE)
    assert made.WT.sum() == found.WT.data.sum()
    beyond = made.axes[0] > affine[0, 3] + cut
    assert made.phi[beyond][3:].max(initial=0.0) < 0.5


def test_a_domain_survives_its_file(tmp_path: Path) -> None:
    made = build_domain("a", *_made("oblique"), SPACE)
    save_domain(tmp_path / "d.npz", made)
    with np.load(tmp_path / "d.npz", allow_pickle=False) as stored:
        assert {"x", "y", "z"} <= set(stored.files)
        assert not {"plane", "slice"} & set(stored.files)
    back = load_domain(tmp_path / "d.npz")
    assert back.dimensions == 3
    for field in ("P", "phi", "WT", "TC", "axes", "x0", "affine"):
        for stored_one, own in zip(getattr(back, field), getattr(made, field), strict=True):
            np.testing.assert_array_equal(stored_one, own)
    assert back.numbers == made.numbers


def test_too_little_memory_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_gb", lambda: 0.7)
    with pytest.raises(InputError, match=r"million voxels of 1 mm, take about .* GB .* 0.7 GB"):
        build_domain("a", *_made("ras"), SPACE)
    monkeypatch.setattr(memory, "available_gb", lambda: None)
    memory.require_memory(10**9, None)


def test_a_slice_asks_for_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_gb", lambda: 0.0)
    assert build_domain("a", *_made("ras"), Settings()).dimensions == 2


def test_the_limit_of_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The least of what the machine and its control group leave."""
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.available_gb() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   8000000 kB\n")
    assert memory.available_gb() == pytest.approx(8.192)
    (tmp_path / "memory.current").write_text("1500000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 500000000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_gb() == pytest.approx(8.192)
    (tmp_path / "memory.max").write_text("2000000000\n")
    assert memory.available_gb() == pytest.approx(1.0)
