"""Patient files for BraTS-style folders."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gbm.config.errors import InputError
from gbm.config.loading import load_patient
from gbm.imaging.label_set import Detected, detect, labels_of
from gbm.io.files import write_text

SEGMENTATION = frozenset({"seg", "segm"})  # one file of BraTS 2020 is named ..._Segm.nii
IMAGES: dict[str, frozenset[str]] = {
    "t1": frozenset({"t1", "t1n"}),
    "t1c": frozenset({"t1c", "t1ce", "t1gd"}),
    "flair": frozenset({"flair", "t2f"}),
    "t2": frozenset({"t2", "t2w"}),
}
"""Last word of a file's name for each image, over the years of BraTS."""
KNOWN = SEGMENTATION.union(*IMAGES.values())


@dataclass(frozen=True)
class Found:
    """A folder with a segmentation."""

    id: str
    segmentation: Path
    images: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What `write_cohort` did: new files with their label sets, files kept, and remarks."""

    files: dict[Path, str]
    kept: tuple[Path, ...]
    warnings: tuple[str, ...]


def find_brats(root: Path) -> tuple[list[Found], list[str]]:
    """Find the BraTS-style folders below a folder (or the folder itself).

    Returns
    -------
    list of Found
        Sorted by folder.
    list of str
        Remarks on folders that were left out.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not root.is_dir():
        raise InputError("there is no such folder", file=root, key="--brats")
    found: dict[str, Found] = {}
    remarks = []
    for folder, files in _folders(root):
        named: defaultdict[str, list[Path]] = defaultdict(list)
        for file in files:
            named[_last_word(file)].append(file)
        double = [word for word in sorted(KNOWN & named.keys()) if len(named[word]) > 1]
        if double:  # perhaps of several patients
            remarks.append(f"{folder}: left out, more than one image is called {double[0]}")
            continue
        words = {word: of[0] for word, of in named.items()}
        segmentation = next((words[w] for w in sorted(SEGMENTATION & set(words))), None)
        images = {
            name: words[word]
            for name, known in IMAGES.items()
            for word in sorted(known & set(words))[:1]
        }
        if segmentation is None:
            if images:
                remarks.append(f"{folder}: left out, there is no segmentation (*seg.nii.gz)")
            continue
        if not {"t1", "t1c"} & set(images):
            remarks.append(f"{folder}: there is neither a T1 nor a T1c image; name tissue maps")
        base = re.sub(r"[^A-Za-z0-9]", "", folder.resolve().name)[:60] or "patient"
        names = (base, *(f"{base}x{n}" for n in range(2, 10_000)))
        name = next(name for name in names if name not in found)
        found[name] = Found(name, segmentation, images)
    return list(found.values()), remarks


def write_cohort(root: Path, out: Path) -> Written:
    """Write one patient file for each BraTS-style folder; files that exist are kept.

    Parameters
    ----------
    root : Path
        Searched for folders that hold ``*seg.nii.gz``.
    out : Path
        Folder of the patient files; paths in them are relative to it.

    The convention is told by the labels of the segmentation, and stated in the file. A folder whose
    labels are of no known set is left out; an unreadable segmentation is `check`'s to refuse.

    Raises
    ------
    InputError
        If there is no such folder or nothing is found in it.
    """
    found, remarks = find_brats(root)
    if not found:
        text = "no BraTS-style folder: none holds one *seg.nii.gz beside images"
        raise InputError(text, file=root, key="--brats")
    files: dict[Path, str] = {}
    kept = []
    for patient in found:
        path = out / f"{patient.id}.yaml"
        if path.exists():
            kept.append(path)
            continue
        try:
            labels = detect(_labels(patient, remarks))
        except InputError as error:
            remarks.append(f"{patient.segmentation}: left out, {error}")
            continue
        if labels.warning:
            remarks.append(f"{patient.segmentation}: {labels.warning}")
        write_text(path, _content(patient, out, labels))
        load_patient(path)
        files[path] = labels.statement
    return Written(files, tuple(kept), tuple(remarks))


def _labels(patient: Found, remarks: list[str]) -> frozenset[int]:
    try:
        return labels_of(patient.segmentation)
    except InputError as error:
        remarks.append(str(error))
        return frozenset()


def _folders(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    for folder, _, names in sorted(os.walk(root, followlinks=True)):
        files = [Path(folder) / name for name in sorted(names)]
        images = [file for file in files if file.name.endswith((".nii", ".nii.gz"))]
        if images:
            yield Path(folder), images


def _last_word(file: Path) -> str:
    stem = file.name.removesuffix(".gz").removesuffix(".nii")
    return re.split(r"[^A-Za-z0-9]+", stem)[-1].lower()


def _content(patient: Found, out: Path, labels: Detected) -> str:
    def shown(path: Path) -> str:
        relative = os.path.relpath(path.resolve(), out.resolve())
        return "'" + relative.replace("'", "''") + "'"

    lines = [
        "patient:",
        f'  id: "{patient.id}"',
        f"  # {labels.statement}",
        f"  segmentation: {{path: {shown(patient.segmentation)}, convention: {labels.convention}}}",
    ]
    if patient.images:
        lines.append("  images:")
        lines += [f"    {name}: {shown(path)}" for name, path in patient.images.items()]
    return "\n".join(lines) + "\n"
