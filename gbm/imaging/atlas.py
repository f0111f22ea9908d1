"""Tissue atlases: MNI152 from inside the nilearn package, or one of the user's own."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gbm.config.errors import InputError
from gbm.config.tissue_settings import AtlasPaths
from gbm.imaging.brain import enclosed
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume, canonical, resample_to

_MNI152 = "mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True)
class Atlas:
    """A skull-stripped T1 with tissue probabilities on its grid.

    Attributes
    ----------
    name : str
        ``mni152`` or the file name of the user's T1.
    t1 : Volume
        Intensities, 0 outside the brain.
    gm, wm, csf : Volume
        Probabilities in [0, 1]; ``csf = brain - gm - wm``.
    brain : Volume
        Boolean brain mask.
    """

    name: str
    t1: Volume
    gm: Volume
    wm: Volume
    csf: Volume
    brain: Volume


def mni152() -> Atlas:
    """Return the MNI152 2009a symmetric atlas that the nilearn package contains.

    Nothing is downloaded. Source: Fonov et al. 2011, NeuroImage 54:313.

    Raises
    ------
    InputError
        If nilearn is not installed or does not contain the files.
    """
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("nilearn, which contains the atlas, is not installed", key="tissue.atlas")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    paths = {name: folder / _MNI152.format(name=name) for name in ("t1", "gm", "wm")}
    return _read("mni152", paths)


def load_atlas(choice: str | AtlasPaths) -> Atlas:
    """Return the atlas of the settings' ``tissue.atlas``.

    Raises
    ------
    InputError
        If a file is unreadable or the maps are no probabilities.
    """
    if isinstance(choice, AtlasPaths):
        return _read(choice.t1.name, {"t1": choice.t1, "gm": choice.gm, "wm": choice.wm})
    return mni152()


def _read(name: str, paths: dict[str, Path]) -> Atlas:
    t1 = canonical(read_volume(paths["t1"], "tissue.atlas.t1"))
    maps = {}
    for tissue in ("gm", "wm"):
        volume = canonical(read_volume(paths[tissue], f"tissue.atlas.{tissue}"))
        volume = probabilities(volume, f"tissue.atlas.{tissue}")[0]
        maps[tissue] = resample_to(volume, t1, 1)
    brain = t1.data > 0
    gm, wm = (np.where(brain, maps[tissue].data, 0.0) for tissue in ("gm", "wm"))
    csf = np.where(brain, np.clip(1.0 - gm - wm, 0.0, 1.0), 0.0).astype(np.float32)
    return Atlas(
        name,
        t1,
        t1.with_data(gm.astype(np.float32)),
        t1.with_data(wm.astype(np.float32)),
        t1.with_data(csf),
        t1.with_data(brain),
    )


def probabilities(volume: Volume, key: str) -> tuple[Volume, tuple[str, ...]]:
    """Return a tissue map in [0, 1]; maps in 0-255 are divided by 255, with a remark.

    Raises
    ------
    InputError
        If the map is negative, all zero, neither in 0-1 nor in 0-255, or not finite within the
        tissue.
    """
    remarks: tuple[str, ...] = ()
    data, known = volume.data, np.isfinite(volume.data)
    if not known.any():
        raise InputError("the tissue map holds no finite value", file=volume.path, key=key)
    low, high = float(data[known].min()), float(data[known].max())
    # Interpolated maps undershoot zero by a little; real negative values mean another quantity.
    if low < -1e-3 * max(high, 1.0):
        raise InputError(f"the tissue map is negative ({low:.3g})", file=volume.path, key=key)
    if high <= 0:
        raise InputError("the tissue map is all zero", file=volume.path, key=key)
    if not known.all():
        if np.any(enclosed(known & (data > 0.5 * high)) & ~known):
            text = "the tissue map is not finite within the tissue"
            raise InputError(text, file=volume.path, key=key)
        remarks = (f"{key}: values outside the tissue are not finite; taken as 0",)
        data = np.where(known, data, 0.0)
    if 1.05 < high < 127 or high > 255.5:
        text = f"the tissue map reaches {high:.4g}: neither 0-1 nor 0-255"
        raise InputError(text, file=volume.path, key=key)
    if high > 1.05:
        data = data / 255.0
        remarks = (*remarks, f"{key}: the map is in 0-255; divided by 255")
    return volume.with_data(np.clip(data, 0.0, 1.0).astype(np.float32)), remarks
