"""The volumes of the viewer lie where the patient's files say, small enough."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.domain.plane import slicing_axis
from gbm.growth.parameters import squared_distance
from gbm.io.volumes import Volume
from gbm.report import viewer
from gbm.report.viewer import Scene, niivue, outlines, scene
from gbm.report.volumes import Anatomy
from tests.gbm.conftest import FILE_SLICE, SHAPE, SLICES, ball_domain, disc_domain

LEVELS = {"WT": 0.3, "TC": 0.6}

TURNS = {
    "RAS": np.diag([1.0, 1.0, 1.0, 1.0]),
    "LPS": np.array(
        [[-1.0, 0, 0, SHAPE[0] - 1], [0, -1, 0, SHAPE[1] - 1], [0, 0, 1, 0], [0, 0, 0, 1]]
    ),
}


def made(turn: np.ndarray, density: np.ndarray) -> Scene:
    """A scene whose files store the same patient with their axes turned."""
    domain = disc_domain()
    affine = domain.affine.copy()
    affine[2, 3] -= FILE_SLICE
    flips = tuple(axis for axis in range(2) if turn[axis, axis] < 0)

    def volume(plane: np.ndarray, slices: slice = slice(None)) -> Volume:
        data = np.zeros((*SHAPE, SLICES), np.float32)
        data[..., slices] = plane[..., None]
        return Volume(np.flip(data, flips), affine @ turn)

    at = slice(FILE_SLICE, FILE_SLICE + 1)
    anatomy = Anatomy(
        whole=volume(domain.WT, at),
        core=volume(domain.TC, at),
        tissue={name: volume(getattr(domain, name)) for name in ("wm", "gm", "csf")},
        density=volume(density, at),
        image=("T1", volume(100 * domain.P)),
        registered=None,
    )
    return scene(domain, anatomy, LEVELS, [15.0, 25.0, 40.0])


def stored(text: str) -> Any:
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(text)))


def at(image: Any, point: list[float]) -> float:
    index = np.linalg.solve(image.affine, [*point, 1.0])[:3]
    return float(image.get_fdata()[tuple(np.round(index).astype(int))])


@pytest.mark.parametrize("turn", TURNS)
def test_values_lie_at_their_place_in_the_world(turn: str) -> None:
    domain = disc_domain()
    density = np.clip(0.02 * (domain.axes[0][:, None] + 12) + 0 * domain.axes[1][None, :], 0, 1)
    volumes = made(TURNS[turn], density).volumes()
    assert set(volumes) == {"image", "tissue", "segmentation", "density", "predicted"}
    for x, y in ((16.0, 24.0), (25.0, 24.0), (12.0, 30.0)):
        place = [x, y, 40.0]
        i, j = int(x - domain.axes[0][0]), int(y - domain.axes[1][0])
        assert at(stored(volumes["density"]), place) == pytest.approx(density[i, j], abs=0.0026)
        label = int(domain.WT[i, j]) + int(domain.TC[i, j])
        assert at(stored(volumes["segmentation"]), place) == label
        assert at(stored(volumes["tissue"]), place) == 3  # white matter 0.8
        assert at(stored(volumes["density"]), [x, y, 41.0]) == 0  # fitted slice only


def test_a_large_grid_is_thinned_and_keeps_the_fitted_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = made(TURNS["RAS"], np.ones(SHAPE))
    monkeypatch.setattr(viewer, "MOST_VOXELS", 2000)
    thin = made(TURNS["RAS"], np.ones(SHAPE))
    assert all(layer.data.size <= 2000 for layer in thin.layers)
    assert np.linalg.norm(thin.affine[:3, 0]) > np.linalg.norm(whole.affine[:3, 0])
    image = stored(thin.volumes()["density"])
    slices = image.affine[2, 3] + image.affine[2, 2] * np.arange(image.shape[2])
    assert 40.0 in slices
    assert slicing_axis(disc_domain(), image.affine) == 2
    assert image.get_fdata()[..., list(slices).index(40.0)].max() == pytest.approx(1.0)


def test_without_an_image_the_tissue_lies_underneath() -> None:
    domain = disc_domain()
    plain = Volume(domain.WT[..., None].astype(np.float32), domain.affine)
    maps = {n: plain.with_data(getattr(domain, n)[..., None]) for n in ("wm", "gm", "csf")}
    anatomy = Anatomy(
        whole=plain, core=plain, tissue=maps, density=plain, image=None, registered=None
    )
    flat = scene(replace(domain, slice=0), anatomy, LEVELS, [16.0, 24.0, 40.0])
    assert [layer.key for layer in flat.layers] == [
        "tissue", "segmentation", "density", "predicted",
    ]  # fmt: skip
    assert flat.plane == "axial"
    assert flat.layers[0].shown
    described = json.loads(flat.description())
    assert described["layers"][0]["colours"]["labels"][1:] == ["CSF", "grey matter", "white matter"]


def ball_scene(radius: float) -> Scene:
    """A whole tumour whose density falls from 1 by a fifth in `radius` mm."""
    domain = ball_domain()
    distance = np.sqrt(squared_distance(domain.axes, domain.x0))
    u = np.where(domain.tissue, np.clip(1 - 0.2 * distance / radius, 0, 1), 0)

    def volume(data: np.ndarray) -> Volume:
        return Volume(np.asarray(data, np.float32), domain.affine)

    anatomy = Anatomy(
        whole=volume(domain.WT),
        core=volume(domain.TC),
        tissue={name: volume(getattr(domain, name)) for name in ("wm", "gm", "csf")},
        density=volume(u),
        image=("T1", volume(100 * domain.P)),
        registered=None,
    )
    return scene(domain, anatomy, LEVELS, domain.to_world(domain.x0))


def test_a_whole_tumour_opens_at_its_origin_on_three_planes() -> None:
    views = ball_scene(radius=3.0)
    described = json.loads(views.description())
    assert described["plane"] == "all"
    assert described["focus"] == [8.0, 20.0, 53.0]
    volumes = views.volumes()
    density, lines = stored(volumes["density"]), stored(volumes["predicted"])
    for shift in ([0.0, 0, 0], [3.0, 0, 0], [0, 0, -3.0], [0, 3.0, 0]):
        place = [float(v) for v in np.array([8.0, 20.0, 53.0]) + shift]
        fall = 0.2 * np.linalg.norm(shift) / 3
        assert at(density, place) == pytest.approx(1 - fall, abs=0.0026)
    # u falls to 0.6 at 6 mm: there is the outline of the core, in every direction
    for axis in range(3):
        for sign in (-1, 1):
            place = [8.0, 20.0, 53.0]
            place[axis] += 5.0 * sign
            assert at(lines, place) == 2
            place[axis] -= 3.0 * sign
            assert at(lines, place) == 0


def test_outlines_of_a_slice_are_lines_on_it() -> None:
    u = np.zeros((9, 9, 3))
    u[2:7, 2:7, 1] = 0.5
    lines = outlines(u, {"WT": 0.3, "TC": None}, across=2)
    assert lines[..., 1].sum() == 16
    assert not lines[3:6, 3:6].any()
    assert outlines(u, {"WT": 0.3, "TC": None}, across=None).sum() == 25  # a plate is all border


def test_the_library_is_the_published_file() -> None:
    source = gzip.decompress(base64.b64decode(niivue()))
    published = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
    assert hashlib.sha256(source).hexdigest() == published  # @niivue/niivue 0.69.0
    assert b"</script" not in source
