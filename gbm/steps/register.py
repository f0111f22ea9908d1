"""Register the atlas to one patient."""

from __future__ import annotations

from pathlib import Path

from gbm.config.loading import load_patient
from gbm.config.settings import Settings
from gbm.imaging.atlas import load_atlas
from gbm.imaging.labels import read_regions
from gbm.imaging.patient_images import main_image, read_head, second_head
from gbm.io.files import write_json
from gbm.io.volumes import write_volume
from gbm.registration.register import register


def run(
    *,
    file: Path,
    settings: Settings,
    seed: int,
    threads: int,
    t1: Path,
    wm: Path,
    gm: Path,
    csf: Path,
    image: Path,
    record: Path,
) -> None:
    """Register the atlas of the settings to the patient of a file.

    Parameters
    ----------
    file : Path
        The patient file.
    settings : Settings
        Section `tissue`.
    seed, threads : int
        See `register`.
    t1, wm, gm, csf, image : Path
        Written: the warped atlas, and the patient's bias-corrected image, on the patient's 1 mm
        grid around the brain.
    record : Path
        Written: method, quality numbers, seconds, as JSON.
    """
    patient = load_patient(file)
    head = read_head(*main_image(patient)).cropped()
    used = settings.tissue.registration != "none"
    second, remarks = second_head(patient) if used else (None, ())
    tumour = read_regions(patient.segmentation).on(head.image)[0]
    atlas = load_atlas(settings.tissue.atlas)
    found = register(
        atlas,
        head.image,
        tumour,
        settings.tissue.registration,
        seed,
        threads,
        second=None if second is None else second.image,
        names=(head.key.rsplit(".", 1)[-1], "t1c"),
    )
    for name, path in (("t1", t1), ("wm", wm), ("gm", gm), ("csf", csf), ("image", image)):
        write_volume(path, getattr(found, name), description=f"{atlas.name} {name}, {patient.id}")
    write_json(
        record,
        {
            "atlas": atlas.name,
            "image": head.key,
            "method": found.method,
            "brain_dice": found.brain_dice,
            "correlation": found.correlation,
            "seconds": found.seconds,
            "seed": seed,
            "attempts": list(found.attempts),
            "remarks": list(remarks),
        },
    )
