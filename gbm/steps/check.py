"""Check one patient's file and images before anything expensive runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.errors import InputError
from gbm.config.loading import load_job, load_settings
from gbm.config.patient import Patient
from gbm.config.plan_settings import PlanSettings
from gbm.config.settings import FitSettings, Settings
from gbm.config.source import Source
from gbm.config.tissue_settings import AtlasPaths
from gbm.domain.fitted_grid import around, choose_slab
from gbm.imaging.atlas import load_atlas
from gbm.imaging.image_files import examine_image, image_header, read_image
from gbm.imaging.labels import TumourRegions, read_regions, save_regions
from gbm.imaging.patient_images import (
    check_inside,
    check_overlap,
    main_image,
    read_head,
    read_maps,
    second_head,
)
from gbm.imaging.recurrence import read_recurrence
from gbm.imaging.reference_series import check_together, reference_of
from gbm.imaging.tumour_shape import enhancing_fraction
from gbm.io.files import sha256_of, write_sealed
from gbm.io.layout import Layout
from gbm.io.memory import require_memory, require_memory_to_check
from gbm.registration.register import check_extent


@dataclass(frozen=True)
class CheckReport:
    """What was found in a patient's files.

    Attributes
    ----------
    patient : str
        Its id.
    warnings : tuple of str
        What was accepted with a remark; each begins with the dotted key.
    tissue : str
        ``given`` or the dotted key of the image that the atlas is registered to.
    plane, slice : str, int
        The slice of the largest extent, or that of the settings: fitted, or beside the volume.
    volumes_ml : dict
        Of WT and TC.
    labels : dict
        Voxels of each label.
    files : dict of str
        Path of each image by its dotted key, of DICOM a digest; no result outside `work/` repeats
        them.
    """

    patient: str
    warnings: tuple[str, ...]
    tissue: str
    plane: str
    slice: int
    volumes_ml: dict[str, float]
    labels: dict[int, int]
    files: dict[str, str]


def run(file: Path, config: Mapping[str, Any], files: Layout) -> None:
    """Check a patient; write what was found, and the regions of the tumour for all later steps."""
    report, regions = _checked(file, config)
    for warning in report.warnings:
        print(f"warning: {warning}")
    save_regions(files.regions, regions)
    write_sealed(files.check, asdict(report))


def check_patient(file: Path, config: Mapping[str, Any]) -> CheckReport:
    """Check a patient file, its overrides and its images.

    Parameters
    ----------
    file : Path
        The patient file.
    config : mapping
        The content of ``config.yaml``.

    Raises
    ------
    InputError
        On the first fault, with the file and the dotted key.
    """
    return _checked(file, config)[0]


def _checked(file: Path, config: Mapping[str, Any]) -> tuple[CheckReport, TumourRegions]:
    patient, settings = load_job(file, config)
    if not patient.tissue.given:
        main_image(patient)
    found = _check_files(patient)
    regions = read_regions(patient.segmentation)
    slab = choose_slab(regions, settings.slice)
    if settings.dimensions == 3:
        require_memory(around(regions).grid.data.size, regions.WT.path)
    used, remarks = _check_tissue(patient, regions, settings)
    warnings = [
        *found,
        *regions.warnings,
        *_check_scope(patient, regions, settings),
        *remarks,
        *_check_others(patient, regions, used),
        *_check_output(settings, load_settings(config)),
        *_check_comparison(settings.fit),
        *_check_later(patient, regions, settings),
        *check_together(patient),
    ]
    voxel_ml = regions.WT.voxel_ml
    report = CheckReport(
        patient=patient.id,
        warnings=tuple(dict.fromkeys(warnings)),
        tissue=used,
        plane=str(slab.plane),
        slice=int(slab.index or 0),
        volumes_ml={
            name: float(region.data.sum()) * voxel_ml
            for name, region in (("WT", regions.WT), ("TC", regions.TC))
        },
        labels=regions.labels,
        files={key: _place(source) for key, source in patient.sources().items()},
    )
    return report, regions


def _place(source: Source) -> str:
    """Where a file is; of DICOM, whose folders and files name patients, a digest of it."""
    return f"sha256:{sha256_of(source.path)}" if source.dicom else str(source.path.resolve())


def _check_files(patient: Patient) -> list[str]:
    """Every image by its header, then to its end: none is kept before all are plausible."""
    sources = patient.sources()
    for key, source in sources.items():
        require_memory_to_check(math.prod(image_header(source).shape), source.path, key)
    first: dict[tuple[Path, str | None], str] = {}
    twice = [
        f"{key}: is the same file as {other}"
        for key, source in sources.items()
        if (other := first.setdefault((source.path.resolve(), source.series), key)) != key
    ]
    return [*(remark for source in sources.values() for remark in examine_image(source)), *twice]


def _check_tissue(
    patient: Patient, regions: TumourRegions, settings: Settings
) -> tuple[str, tuple[str, ...]]:
    """Check where the tissue comes from: maps, or the image that the atlas is registered to."""
    if patient.tissue.given:
        return "given", read_maps(patient, regions)[1]
    source = main_image(patient)
    key, head = source.key, read_head(source)
    check_extent(head.cropped().image, settings.tissue.registration, key)
    remarks = check_overlap(regions, head.image, key)
    check_inside(regions, head.brain, "the brain of this image", key, source.path)
    if isinstance(settings.tissue.atlas, AtlasPaths):
        load_atlas(settings.tissue.atlas)
    if settings.tissue.registration != "none":
        remarks = (*remarks, *second_head(patient)[1])
    return key, remarks


def _check_scope(patient: Patient, regions: TumourRegions, settings: Settings) -> list[str]:
    """Say so early where the tumour hardly enhances."""
    share = enhancing_fraction(regions, patient.segmentation.convention)
    if share is None or share >= settings.gates.enhancing_fraction_min:
        return []
    return [
        f"patient.segmentation.path: only {share:.1%} of the tumour enhances: it looks like a"
        " lower-grade glioma, for which the model is not meant"
    ]


def _check_others(patient: Patient, regions: TumourRegions, used: str) -> list[str]:
    """Read the images that nothing depends on: they must be images, all else is a remark."""
    remarks: list[str] = []
    for key, source in patient.sources().items():
        if not key.startswith("patient.images.") or key == used:
            continue
        volume = read_image(source)
        if not np.isfinite(volume.data).any():
            raise InputError("the image holds no finite value", file=source.path, key=key)
        remarks += check_overlap(regions, volume, key)
    return remarks


def _check_output(own: Settings, of_command: Settings) -> list[str]:
    """Say so where a patient file asks for a folder that is not the command's."""
    if own.output == of_command.output:
        return []
    return [
        "output.root: counts only where this file is given with --configfile; the results of a"
        " command with several patients are all in that of the command"
    ]


def _check_comparison(fit: FitSettings) -> list[str]:
    """Say so where settings of the comparison are given and nothing asks for one."""
    if fit.comparison:
        return []
    usual = FitSettings()
    return [
        f"fit.{name}: belongs to the comparison (`snakemake compare`, or fit.comparison: true)"
        for name in ("lifts", "pinn_weights")
        if getattr(fit, name) != getattr(usual, name)
    ]


def _check_later(patient: Patient, regions: TumourRegions, settings: Settings) -> list[str]:
    """Judge what plans and DICOM objects need; in the plane, where there are none, say so."""
    later = patient.later()
    remarks = [remark for source in later.values() for remark in _looked_at(source)]
    if "patient.recurrence.mask" in later:
        remarks += read_recurrence(later["patient.recurrence.mask"], regions)[1]
    if settings.dimensions == 3:
        if patient.reference() is not None:
            reference_of(patient, regions)
        return remarks
    given = [key.rsplit(".", 1)[0] for key in later]
    given += ["plan"] if settings.plan != PlanSettings() else []
    return [
        *remarks,
        *(
            f"{key}: nothing is made of it: plans and DICOM objects are those of a whole tumour"
            " (dimensions: 3)"
            for key in given
        ),
    ]


def _looked_at(source: Source) -> tuple[str, ...]:
    """A file or series, read to its end."""
    require_memory_to_check(math.prod(image_header(source).shape), source.path, source.key)
    return examine_image(source)
