"""The steps of a patient's main job, by the names of their logs."""

from __future__ import annotations

from gbm.config.fit_names import planned
from gbm.config.settings import Settings


def fits_neighbours(settings: Settings) -> bool:
    """Whether neighbouring slices are fitted, to widen the intervals of a slice."""
    asked = settings.uncertainty
    return asked.enabled and asked.slices and settings.dimensions == 2


def planned_steps(settings: Settings, *, registered: bool, dicom: bool = False) -> frozenset[str]:
    """Names of all steps between a patient's file and its report.

    Parameters
    ----------
    settings : Settings
        Those of the patient.
    registered : bool
        Whether the atlas is registered; not where the patient brings tissue maps.
    dicom : bool
        Whether there is a DICOM series that results of a whole tumour refer to.

    >>> steps = planned_steps(Settings(), registered=False)
    >>> "fit_bilo_char_inferred_seed0" in steps, "register" in steps, "slice_fit" in steps
    (True, False, False)
    """
    steps = {"demo", "check", "tissue", "domain", "characteristic", "baselines"}
    steps |= {"identifiability", "metrics", "export", "report"}
    steps |= {f"{kind}_{fit.name}" for kind in ("fit", "verify") for fit in planned(settings)}
    if registered:
        steps.add("register")
    if settings.dimensions == 3:
        steps |= {"slice_fit", "plan", *(["dicom"] if dicom else [])}
    if settings.uncertainty.enabled:
        steps |= {"posterior", "export_uncertainty"}
    if fits_neighbours(settings):
        steps.add("slices")
    return frozenset(steps)
