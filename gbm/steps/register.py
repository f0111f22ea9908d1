"""Register the atlas to one patient."""

from __future__ import annotations

from gbm.imaging.atlas import load_atlas
from gbm.imaging.labels import load_regions
from gbm.imaging.patient_images import main_image, read_head, second_head
from gbm.io.files import write_sealed
from gbm.io.job import Job
from gbm.io.nifti import write_volume
from gbm.registration.register import Subject, register

SEED = 0
"""Of the metric's sampling."""


def run(job: Job) -> None:
    """Register the atlas of the settings (section `tissue`) to the patient.

    Written: the warped atlas and the patient's bias-corrected image, on the patient's 1 mm grid
    around the brain; method, quality numbers and what was tried.
    """
    settings, files = job.settings.tissue, job.files
    head = read_head(main_image(job.patient)).cropped()
    used = settings.registration != "none"
    second, remarks = second_head(job.patient) if used else (None, ())
    atlas = load_atlas(settings.atlas)
    subject = Subject(
        head.image,
        load_regions(files.regions).on(head.image)[0],
        None if second is None else second.image,
        (head.key.rsplit(".", 1)[-1], "t1c"),
    )
    found = register(atlas, subject, settings.registration, SEED, job.threads)
    for name, path in files.registered.items():
        text = f"{atlas.name} {name}, {job.patient.id}"
        write_volume(path, getattr(found, name), description=text)
    write_sealed(
        files.registration,
        {
            "atlas": atlas.name,
            "image": head.key,
            "method": found.method,
            "brain_dice": found.brain_dice,
            "correlation": found.correlation,
            "seconds": found.seconds,
            "seed": SEED,
            "attempts": list(found.attempts),
            "remarks": list(remarks),
        },
    )
