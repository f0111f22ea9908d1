"""The patient's volumes behind a report, read once for figures and viewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gbm.config.source import Source
from gbm.domain.domain import Domain
from gbm.domain.plane import sample
from gbm.imaging.image_files import read_image
from gbm.imaging.labels import TumourRegions
from gbm.io.job import Job
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume, resample_to, to_one_millimetre
from gbm.report.plans import PlanView

SHOWN_IMAGES = (("t1c", "T1c"), ("flair", "FLAIR"), ("t1", "T1"), ("t2", "T2"))
"""Images by how well they show the tumour."""


@dataclass(frozen=True)
class Anatomy:
    """Volumes in the patient's own space.

    Attributes
    ----------
    image : tuple of str and Volume, or None
        Name and values of the image that shows the tumour best.
    whole, core : Volume
        WT and TC on the grid of the segmentation file.
    tissue : mapping
        `wm`, `gm`, `csf`: the tissue maps the model uses.
    density : Volume
        Predicted cell density on the grid of the segmentation file.
    registered : mapping or None
        `image`, the image the atlas was registered to, with `wm`, `gm`, `csf` of the atlas on its
        grid; None where the patient brings tissue maps.
    plans : PlanView or None
        Of a whole tumour.
    """

    image: tuple[str, Volume] | None
    whole: Volume
    core: Volume
    tissue: Mapping[str, Volume]
    density: Volume
    registered: Mapping[str, Volume] | None
    plans: PlanView | None = None

    def image_on(self, domain: Domain) -> tuple[str, np.ndarray] | None:
        """Name and values of the image on the plane of the domain, (nx, ny)."""
        if self.image is None:
            return None
        name, volume = self.image
        return name, sample(domain, np.nan_to_num(volume.data), volume.affine)

    def checked(self) -> tuple[Volume, dict[str, np.ndarray]] | None:
        """An image with cubic voxels and the tissue maps on its grid; None without an image."""
        if self.registered is not None:
            grid = self.registered["image"]
        elif self.image is not None:
            grid = to_one_millimetre(self.image[1])
        else:
            return None
        return grid, {key: resample_to(volume, grid).data for key, volume in self.tissue.items()}


def read_anatomy(job: Job, regions: TumourRegions, dimensions: int = 2) -> Anatomy:
    """Read all volumes of a patient; plans are those of a whole tumour."""
    images, files = job.patient.images, job.files
    found = next(
        (
            (name, Source.of(f"patient.images.{key}", given))
            for key, name in SHOWN_IMAGES
            if (given := getattr(images, key))
        ),
        None,
    )
    return Anatomy(
        image=None if found is None else (found[0], read_image(found[1])),
        whole=regions.WT,
        core=regions.TC,
        tissue={key: read_volume(path) for key, path in files.maps.items()},
        density=read_volume(files.density),
        registered={key: read_volume(files.registered[key]) for key in ("image", *files.maps)}
        if job.registered
        else None,
        plans=PlanView.read(job, regions) if dimensions == 3 else None,
    )
