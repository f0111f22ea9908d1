"""What holds for every label file, every grid and every patient file, tried on generated ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import BaseModel
from scipy.spatial.transform import Rotation

from gbm.config.errors import InputError
from gbm.config.loading import load_patient, load_settings
from gbm.config.patient import LabelMap
from gbm.config.patient_list import ID, entries
from gbm.config.settings import Settings, SliceSettings
from gbm.domain.fitted_grid import choose_slab
from gbm.imaging.labels import regions, regions_from_masks
from gbm.io.nifti import read_volume, write_volume
from gbm.io.volumes import Volume, canonical, coverage, one_millimetre_grid, resample_to

settings.register_profile(
    "project",
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

# ---------------------------------------------------------------------------------- labels

SHAPES = arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)


def _labels(values: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.int16, SHAPES, elements=values)


@st.composite
def conventions(draw: st.DrawFn) -> LabelMap:
    """Maps of labels whose TC lies in WT."""
    whole = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True))
    core = draw(st.lists(st.sampled_from(whole), max_size=len(whole), unique=True))
    return LabelMap(WT=tuple(whole), TC=tuple(core))


@given(_labels(st.integers(0, 9)), conventions(), st.floats(-9e-4, 9e-4))
def test_labels_become_the_regions_of_their_convention(
    data: np.ndarray, convention: LabelMap, off: float
) -> None:
    volume = Volume(data.astype(np.float32) + np.float32(off), np.eye(4), Path("s.nii"))
    whole = np.isin(data, convention.WT)
    foreign = set(np.unique(data).tolist()) - {0, *convention.WT}
    if foreign:
        with pytest.raises(InputError, match="outside the convention") as caught:
            regions(volume, convention)
        for label in foreign:
            assert f" {label} ({(data == label).sum()} voxel" in str(caught.value)
    if not whole.any():
        with pytest.raises(InputError, match="empty"):
            regions(volume, convention, foreign)
        return
    found = regions(volume, convention, foreign)  # what is ignored is background
    assert np.array_equal(found.WT.data, whole)
    assert np.array_equal(found.TC.data, np.isin(data, convention.TC))
    assert found.labels == {k: int((data == k).sum()) for k in np.unique(data[whole])}
    assert len(found.warnings) == bool(foreign) + (not found.TC.data.any())


@given(st.data())
def test_masks_give_a_core_inside_the_whole_tumour_or_a_reason(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    masks = arrays.arrays(bool, shape)
    whole, core = data.draw(masks), data.draw(masks)
    top = data.draw(st.sampled_from([1.0, 2.0, 255.0]))
    volumes = [Volume(m * np.float32(top), np.eye(4), Path("m.nii")) for m in (whole, core)]
    swapped = bool((core & ~whole).any()) and not (whole & ~core).any()
    if not whole.any() or swapped:
        with pytest.raises(InputError, match="swapped" if whole.any() else "empty"):
            regions_from_masks(*volumes)
        return
    found = regions_from_masks(*volumes)
    assert np.array_equal(found.WT.data, whole | core)
    assert np.array_equal(found.TC.data, core)


# ---------------------------------------------------------------------------------- grids


@st.composite
def grids(draw: st.DrawFn, *, tilt: float = 40.0) -> Volume:
    """Volumes on grids of any orientation, voxel size and place, with values all different."""
    shape = draw(arrays.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=9))
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    spacing = draw(st.tuples(*[st.floats(0.4, 6.0)] * 3))
    angles = draw(st.tuples(*[st.floats(-tilt, tilt)] * 3))
    origin = draw(st.tuples(*[st.floats(-200, 200)] * 3))
    axes = np.zeros((3, 3))
    axes[list(order), range(3)] = np.array(signs) * spacing
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ axes
    affine[:3, 3] = origin
    values = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    return Volume(values, affine)


def _world(volume: Volume) -> np.ndarray:
    index = np.indices(volume.data.shape).reshape(3, -1)
    return volume.affine[:3, :3] @ index + volume.affine[:3, 3:]


@given(grids())
def test_turning_the_axes_moves_no_value_in_the_world(volume: Volume) -> None:
    turned = canonical(volume)
    place = dict(zip(volume.data.ravel().tolist(), _world(volume).T, strict=True))
    there = np.array([place[value] for value in turned.data.ravel().tolist()]).T
    assert np.abs(there - _world(turned)).max() < 1e-9
    assert np.array_equal(resample_to(turned, volume, 0).data, volume.data)
    again = canonical(turned)
    assert np.array_equal(again.data, turned.data)


@given(grids())
def test_the_grid_of_one_millimetre_covers_the_field_of_view(volume: Volume) -> None:
    grid = one_millimetre_grid(volume)
    assert np.allclose(grid.spacing, 1.0, atol=1e-3)
    assert nib.aff2axcodes(grid.affine) == nib.aff2axcodes(canonical(volume).affine)
    everything = volume.with_data(np.ones(volume.data.shape, bool))
    assert coverage(everything, grid) == 1.0
    size = np.array(volume.data.shape) * volume.spacing
    assert np.prod(grid.data.shape) <= np.prod(np.ceil(size + 1))


@given(grids(tilt=0.0))
def test_nearest_values_are_those_of_the_voxel_a_centre_lies_in(volume: Volume) -> None:
    grid = one_millimetre_grid(volume)
    made = resample_to(volume, grid, 0).data.ravel()
    index = np.linalg.inv(volume.affine) @ np.vstack([_world(grid), np.ones(made.size)])
    last = np.array(volume.data.shape)[:, None] - 1
    inside = np.all((index[:3] > -0.49) & (index[:3] < last + 0.49), axis=0)
    nearest = np.clip(np.rint(index[:3]), 0, last).astype(int)
    clear = inside & np.all(np.abs(index[:3] - nearest) < 0.49, axis=0)
    assert np.array_equal(made[clear], volume.data[tuple(nearest[:, clear])])


@given(grids(), st.sampled_from(["axial", "coronal", "sagittal"]), st.data())
def test_the_fitted_slice_passes_through_its_voxels(
    volume: Volume, plane: str, data: st.DataObject
) -> None:
    chosen = data.draw(st.tuples(*(st.integers(0, n - 1) for n in volume.data.shape)))
    labels = np.zeros(volume.data.shape, np.float32)
    labels[chosen] = 4
    found = regions(volume.with_data(labels), LabelMap(WT=(4,), TC=(4,)))
    slab = choose_slab(found, SliceSettings(plane=plane))
    assert slab.index == chosen[slab.axis]
    centre = volume.affine @ np.array([*chosen, 1.0])
    across = (np.linalg.inv(slab.grid.affine) @ centre)[slab.across]
    assert abs(across) < 1e-6
    # what is thicker than a millimetre in the plane is seen there
    in_plane = np.delete(volume.spacing, slab.axis)
    assume(in_plane.min() > 1.5)
    assert slab.on(found.WT, 0).any()


@given(grids())
@settings(max_examples=20)
def test_a_written_volume_is_read_back(volume: Volume) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_volume(Path(folder) / "v.nii.gz", volume)
        back = read_volume(Path(folder) / "v.nii.gz")
    assert np.array_equal(back.data, volume.data)
    assert back.same_grid(volume)


# ---------------------------------------------------------------------------------- configuration

SOUND: dict[str, Any] = {
    "patient": {
        "id": "p01",
        "segmentation": {"path": "seg.nii.gz", "convention": "brats"},
        "images": {"t1": "t1.nii.gz"},
    }
}
WORDS = st.sampled_from(
    ["patient", "id", "segmentation", "path", "convention", "masks", "WT", "TC", "images", "t1",
     "tissue", "wm", "fill_tumour", "slice", "index", "fit", "seeds", "gates", "bounds", "atlas"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
TREES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | SCALARS, inner, max_size=4),
    max_leaves=12,
)


def _read(text: str) -> None:
    """A patient file is read, or refused in at most two lines that name it; nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "p.yaml"
        file.write_text(text, encoding="utf-8")
        (entry,) = entries([file]).values()
        assert ID.fullmatch(entry.key)
        refusal = None
        try:
            patient = load_patient(file)
        except InputError as error:
            refusal = str(error)
        if refusal is None:
            assert ID.fullmatch(patient.id)
            assert all(path.is_absolute() for path in patient.paths().values())
            load_settings({}, file)
        else:
            assert refusal.startswith(f"{file}: ")
            assert len(refusal.splitlines()) <= 2


@given(TREES)
@settings(max_examples=150)
def test_any_tree_is_read_or_refused_in_plain_words(tree: Any) -> None:
    _read(yaml.safe_dump(tree, allow_unicode=True))


@given(
    st.sampled_from([("patient",), ("patient", "segmentation"), ("patient", "images"), ()]), TREES
)
@settings(max_examples=150)
def test_a_sound_file_with_one_foreign_part_is_read_or_refused(
    place: tuple[str, ...], tree: Any
) -> None:
    spoilt = yaml.safe_load(yaml.safe_dump(SOUND))
    node = spoilt
    for key in place:
        node = node[key]
    node.update(tree if isinstance(tree, dict) else {"tissue": tree})
    _read(yaml.safe_dump(spoilt, allow_unicode=True))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
@example("patient: !!timestamp 'x'\n")
@example("patient: !!int 'x'\n")
@example("patient: {<<: 3}\n")
@example("? [a]\n: 1\n")
@example("\x00")
@example("\ufeffpatient: {}\n")
@example("a: " + "[" * 500)
@settings(max_examples=150)
def test_any_text_is_read_or_refused_in_plain_words(text: str) -> None:
    _read(text)


def _keys(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Dotted keys of all settings."""
    for name, field in model.model_fields.items():
        yield (*prefix, name)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(inner, (*prefix, name))


@given(st.sampled_from(list(_keys(Settings))), st.integers(0, 30), st.sampled_from("xz_9"))
def test_a_misspelt_setting_is_named_and_put_right(
    key: tuple[str, ...], place: int, letter: str
) -> None:
    *path, last = key
    assume(len(last) > 3)
    wrong = last[: place % len(last)] + letter + last[place % len(last) :]
    config: Any = {wrong: 1}
    for name in reversed(path):
        config = {name: config}
    with pytest.raises(InputError) as caught:
        load_settings(config)
    assert caught.value.key == ".".join([*path, wrong])
    assert caught.value.message == f"unknown key; did you mean {last!r}?"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "slice": st.fixed_dictionaries({"index": st.integers(0, 200)}),
            "growth": st.fixed_dictionaries({"h0": st.floats(0.01, 0.99)}),
            "fit": st.fixed_dictionaries({"seeds": st.lists(st.integers(0, 9), min_size=1)}),
            "gates": st.fixed_dictionaries({"correlation_min": st.floats(0, 1)}),
        },
    ),
    st.sampled_from(["top", "patient"]),
)
def test_a_patient_s_overrides_win_and_change_nothing_else(over: Any, where: str) -> None:
    common = {"growth": {"h0": 0.2, "r0_per_mm2": 0.3}, "fit": {"width": 32}}
    file_content = (
        {**SOUND, **over} if where == "top" else {"patient": {**SOUND["patient"], **over}}
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "p.yaml"
        file.write_text(yaml.safe_dump(file_content))
        found = load_settings(common, file).model_dump(mode="json")
    expected = load_settings(common).model_dump(mode="json")
    for section, values in over.items():
        expected[section] |= values
    assert found == expected
    assert Settings.model_validate(found).model_dump(mode="json") == found
