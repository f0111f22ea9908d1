"""Real heads disturbed in known ways: does the registration find them, and the same warp again?

`python -m tests.gbm.disturbed DATA OUT [HEAD:KIND ...]` registers heads of a folder as they are
and disturbed, and writes one JSON a case: gated numbers, seconds, and how far (95 % of the brain
outside the tumour, mm in the atlas) the warp, taken back through the disturbance, is from that of
the undisturbed head. Cases that are there are left; without a list all are made, in a random order.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from gbm.imaging.atlas import mni152
from gbm.imaging.brain import brain_mask
from gbm.imaging.patient_images import Head, head_of
from gbm.io.files import write_json
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume, resample_to
from gbm.registration.register import Registration, Subject, register

TURNS = tuple(f"{axis}{degrees}" for degrees in (15, 40) for axis in "xyz")
KINDS = (
    "as it is", *TURNS, "moved", "scaled 0.85", "scaled 1.15", "noise", "bias", "contrast",
    "t1c alone", "cropped", "5 mm slices", "6 mm slices interpolated",
)  # fmt: skip
POINTS = 4000
MARGIN_MM = 25.0


@dataclass(frozen=True)
class Disturbed:
    """Images by name, the whole tumour, and the map (4, 4) from undisturbed to disturbed RAS mm."""

    images: dict[str, Volume]
    tumour: Volume
    moved: np.ndarray


def load(folder: Path) -> Disturbed:
    """A head as it is."""
    images = {
        name: read_volume(folder / f"{name}.nii.gz")
        for name in ("t1", "t1c")
        if (folder / f"{name}.nii.gz").exists()
    }
    images = {name: v.with_data(v.data.astype(np.float32)) for name, v in images.items()}
    labels = read_volume(folder / "seg.nii.gz")
    return Disturbed(images, labels.with_data(labels.data > 0), np.eye(4))


def disturb(head: Disturbed, kind: str, seed: int) -> Disturbed | None:
    """The head disturbed in one of `KINDS`; None where it has no T1c to stand alone."""
    rng = np.random.default_rng(seed)
    if kind == "t1c alone":
        found = {"t1c": head.images["t1c"]} if "t1c" in head.images else {}
        return Disturbed(found, head.tumour, head.moved) if found else None
    if kind in TURNS:
        return _placed(head, _turn("xyz".index(kind[0]), float(kind[1:]) * rng.choice([-1, 1])))
    if kind == "moved":
        direction = rng.standard_normal(3)
        by = np.eye(4)
        by[:3, 3] = 40.0 * direction / np.linalg.norm(direction)
        images = {name: Volume(v.data, by @ v.affine) for name, v in head.images.items()}
        return Disturbed(images, Volume(head.tumour.data, by @ head.tumour.affine), by)
    if kind.startswith("scaled"):
        return _placed(head, np.eye(3) * float(kind.split()[1]))
    changed = {
        "noise": _noisy, "bias": _biased, "contrast": _halved_contrast,
    }.get(kind)  # fmt: skip
    if changed is not None:
        images = {name: changed(v, brain_mask(v), rng) for name, v in head.images.items()}
        return Disturbed(images, head.tumour, head.moved)
    if kind == "cropped":
        return Disturbed(
            {name: _cropped(v) for name, v in head.images.items()}, head.tumour, head.moved
        )
    if kind.endswith(("slices", "interpolated")):
        thickness, back = int(kind[0]), kind.endswith("interpolated")
        images = {name: _sliced(v, thickness, back) for name, v in head.images.items()}
        return Disturbed(images, head.tumour, head.moved)
    return head


def _turn(axis: int, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(3)
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    turn[[i, j, i, j], [i, j, j, i]] = c, c, -s, s
    return turn


def _centre(image: Volume) -> np.ndarray:
    places = np.argwhere(brain_mask(image)).mean(axis=0)
    centre: np.ndarray = image.affine[:3, :3] @ places + image.affine[:3, 3]
    return centre


def _placed(head: Disturbed, linear: np.ndarray) -> Disturbed:
    """Turned or scaled about its centre, resampled on a grid of 1 mm along the world's axes."""
    first = next(iter(head.images.values()))
    centre, moved = _centre(first), np.eye(4)
    moved[:3, :3], moved[:3, 3] = linear, centre - linear @ centre
    places = np.argwhere(brain_mask(first))
    ends = np.array(np.meshgrid(*np.stack([places.min(0), places.max(0)], 1), indexing="ij"))
    affine = moved @ first.affine
    world = affine[:3, :3] @ ends.reshape(3, -1) + affine[:3, 3:]
    low, high = world.min(1) - MARGIN_MM, world.max(1) + MARGIN_MM
    grid_affine = np.eye(4)
    grid_affine[:3, 3] = low
    grid = Volume(np.zeros(tuple(np.ceil(high - low).astype(int)), np.uint8), grid_affine)

    def seen(v: Volume) -> Volume:
        values = resample_to(Volume(v.data, moved @ v.affine), grid, 1)
        shown = Volume(brain_mask(v).astype(np.float32), moved @ v.affine)
        return values.with_data(np.where(resample_to(shown, grid, 1).data >= 0.5, values.data, 0.0))

    tumour = resample_to(Volume(head.tumour.data, moved @ head.tumour.affine), grid, 0)
    return Disturbed({name: seen(v) for name, v in head.images.items()}, tumour, moved)


def _noisy(v: Volume, brain: np.ndarray, rng: np.random.Generator) -> Volume:
    """Gaussian noise, 5 % of the median."""
    noise = 0.05 * float(np.median(v.data[brain])) * rng.standard_normal(v.data.shape)
    return v.with_data(np.where(brain, np.maximum(v.data + noise, 1e-3), 0.0).astype(np.float32))


def _biased(v: Volume, brain: np.ndarray, rng: np.random.Generator) -> Volume:
    """A factor from 0.6 to 1.4 across the brain, in a random direction."""
    along = np.tensordot(rng.standard_normal(3), np.indices(v.data.shape), 1)
    low, high = along[brain].min(), along[brain].max()
    u = np.clip(2.0 * (along - low) / (high - low) - 1.0, -1.0, 1.0)
    return v.with_data(
        np.where(brain, v.data * (1.0 + 0.4 * np.sin(np.pi / 2 * u)), 0.0).astype(np.float32)
    )


def _halved_contrast(v: Volume, brain: np.ndarray, rng: np.random.Generator) -> Volume:
    mean = v.data[brain].mean()
    return v.with_data(np.where(brain, mean + 0.5 * (v.data - mean), 0.0).astype(np.float32))


def _cropped(v: Volume) -> Volume:
    """The field of view ends 30 mm above the brain's lowest point (files along the axes)."""
    axis = int(np.argmax(np.abs(v.affine[2, :3])))
    heights = v.affine[2, 3] + v.affine[2, axis] * np.arange(v.data.shape[axis])
    shown = brain_mask(v).any(axis=tuple(a for a in range(3) if a != axis))
    kept = np.flatnonzero(heights >= heights[shown].min() + 30.0)
    affine = v.affine.copy()
    affine[:3, 3] += affine[:3, axis] * kept[0]
    return Volume(np.ascontiguousarray(np.take(v.data, kept, axis)), affine)


def _sliced(v: Volume, thickness: int, back: bool) -> Volume:
    """Acquired in thick slices (along the third axis), and perhaps interpolated back to 1 mm."""
    count = v.data.shape[2] // thickness
    first = (v.data.shape[2] - count * thickness) // 2
    blocks = v.data[:, :, first : first + count * thickness].reshape(
        *v.data.shape[:2], count, thickness
    )
    shown = (blocks > 0).mean(axis=3) >= 0.5
    affine = v.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (first + (thickness - 1) / 2)
    affine[:3, 2] *= thickness
    thick = Volume(np.where(shown, blocks.mean(axis=3), 0.0).astype(np.float32), affine)
    if not back:
        return thick
    inside = resample_to(thick.with_data(shown.astype(np.float32)), v, 1).data >= 0.5
    return v.with_data(np.where(inside, resample_to(thick, v, 1).data, 0.0).astype(np.float32))


def registered(case: Disturbed) -> tuple[Registration, Head]:
    """Register a case as the pipeline does: the T1 leads where there is one."""
    name = next(iter(case.images))
    head = head_of(case.images[name], f"patient.images.{name}").cropped()
    tumour = resample_to(case.tumour, head.image, 0)
    second = case.images.get("t1c") if name == "t1" else None
    other = None if second is None else head_of(second, "patient.images.t1c").image
    found = register(mni152(), Subject(head.image, tumour, other, (name, "t1c")))
    return found, head


def warped(found: Registration, head: Head, case: Disturbed, points: np.ndarray) -> np.ndarray:
    """Atlas points, mm, of undisturbed RAS points (n, 3); NaN where the case shows no brain."""
    lps = np.array([-1.0, -1.0, 1.0])
    there = points @ case.moved[:3, :3].T + case.moved[:3, 3]
    index = np.rint((there - head.image.affine[:3, 3]) @ np.linalg.inv(head.image.affine[:3, :3]).T)
    index = index.astype(int)
    shown = np.all((index >= 0) & (index < head.brain.data.shape), axis=1)
    shown[shown] = head.brain.data[tuple(index[shown].T)]
    out = np.full(points.shape, np.nan)
    for n in np.flatnonzero(shown):
        out[n] = found.transform.TransformPoint((lps * there[n]).tolist())
    return out * lps


def healthy_points(head: Disturbed) -> np.ndarray:
    """A sample of RAS points of the brain outside the tumour."""
    image = next(iter(head.images.values()))
    places = np.argwhere(brain_mask(image) & ~resample_to(head.tumour, image, 0).data)
    chosen = np.random.default_rng(0).choice(len(places), min(POINTS, len(places)), replace=False)
    points: np.ndarray = places[chosen] @ image.affine[:3, :3].T + image.affine[:3, 3]
    return points


def case_of(data: Path, name: str) -> tuple[Disturbed, Disturbed | None]:
    """The undisturbed and the disturbed head of ``HEAD:KIND``."""
    head, kind = name.split(":")
    own = load(data / head)
    return own, disturb(own, kind, zlib.crc32(name.encode()))


def main(data: Path, out: Path, names: list[str]) -> None:
    """Make the cases that are missing."""
    heads = sorted(folder.name for folder in data.iterdir())
    if not names:
        names = [f"{head}:{kind}" for head in heads for kind in KINDS[1:]]
        np.random.default_rng(11).shuffle(names)
    out.mkdir(parents=True, exist_ok=True)
    for name in [*dict.fromkeys(f"{n.split(':')[0]}:{KINDS[0]}" for n in names), *names]:
        file = out / f"{name.replace(':', '_').replace(' ', '-')}.json"
        own, case = case_of(data, name)
        if file.exists() or case is None:
            continue
        began = time.process_time()
        found, head = registered(case)
        seconds, places = time.process_time() - began, healthy_points(own)
        points = warped(found, head, case, places)
        reference = out / f"{name.split(':')[0]}.npy"
        if name.endswith(KINDS[0]):
            np.save(reference, points)
        apart = np.linalg.norm(points - np.load(reference), axis=1)
        record = {
            "case": name, "brain_dice": found.brain_dice, "correlation": found.correlation,
            "apart_mm": float(np.nanpercentile(apart, 95)), "cpu_seconds": seconds,
            "attempts": found.attempts,
        }  # fmt: skip
        write_json(file, record)
        print(json.dumps({k: record[k] for k in list(record)[:-1]}), flush=True)


if __name__ == "__main__":
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
