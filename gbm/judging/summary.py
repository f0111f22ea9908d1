"""The summary of a patient: what its steps wrote, made into one `PatientResult`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.errors import InputError
from gbm.config.fit_names import headline_fit
from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.growth.records import FitResult, Verification
from gbm.io.provenance import InputFile, RunCost, versions
from gbm.judging.judge import judge
from gbm.judging.outcome import Outcome, outcome, unsettled
from gbm.judging.quality import Numbers, of_fit
from gbm.judging.uncertainty import flat_range, likely_range, physical
from gbm.results.estimate import Estimate, Thresholds
from gbm.results.fit_entry import FitDice, FitEntry, HeadlineObjectives, Objectives
from gbm.results.patient_result import AbsoluteRates, FittedPlane, PatientResult, Quality
from gbm.results.references import CharacteristicStart, LocalSpread, References, world
from gbm.results.registration_record import RegistrationRecord


@dataclass(frozen=True)
class StepRecords:
    """What the steps of one patient wrote.

    Attributes
    ----------
    domain : Domain
        The 2-D problem.
    characteristic : CharacteristicStart
    references : References
    numbers : mapping
        Quality of images, tissue and segmentation, see `gbm.judging.quality.gather`.
    registration : RegistrationRecord or None
        None where the patient brings tissue maps.
    fits, verifications : mapping
        By name of the fit.
    input_warnings : tuple of str
        Remarks of the check.
    """

    domain: Domain
    characteristic: CharacteristicStart
    references: References
    numbers: Numbers
    registration: RegistrationRecord | None
    fits: Mapping[str, FitResult]
    verifications: Mapping[str, Verification]
    input_warnings: tuple[str, ...] = ()


def summarise(
    found: StepRecords,
    settings: Settings,
    *,
    inputs: tuple[InputFile, ...] = (),
    cost: RunCost | None = None,
) -> PatientResult:
    """Gather what the steps of a patient found into its result.

    Parameters
    ----------
    found : StepRecords
        What the steps wrote.
    settings : Settings
        The effective settings.
    inputs : tuple of InputFile
        The files it was made of.
    cost : RunCost, optional
        What the steps took.

    Raises
    ------
    InputError
        If there is no headline fit, or a fit has no verification.
    """
    name = _headline(found, settings)
    fit, references, domain = found.fits[name], found.references, found.domain
    judged, objective = _outcome(found, name), _objectives(found, name)
    profile, radii = references.profile, [domain.numbers[f"radius_{r}_mm"] for r in REGIONS]
    likely = likely_range(profile, radii)
    error = found.verifications[name].relative_error_u["final"]
    core = domain.numbers["tc_area_mm2"] > 0
    numbers = {**found.numbers, **of_fit(fit, error, objective, likely, core)}
    return PatientResult(
        patient=domain.patient,
        dimensions=2,
        headline=name,
        pinn=best_pinn(found.fits, found.verifications),
        steps=fit.steps,
        device=fit.device,
        objective=objective,
        verdict=judge(
            numbers,
            settings,
            **asdict(judged),
            unsettled=unsettled(references.direct_fdm),
        ),
        characteristic=found.characteristic,
        baselines=references,
        flat_lambda_mm=flat_range(profile.lambda_mm, profile.objective),
        likely_lambda_mm=likely,
        absolute=_absolute(fit, settings.growth.T_days),
        fits=tuple(_entry(found, key) for key in sorted(found.fits)),
        domain=FittedPlane.model_validate(
            {"plane": domain.plane, "slice": domain.slice, **domain.numbers}
        ),
        quality=Quality(numbers=numbers),
        registration=found.registration,
        input_warnings=found.input_warnings,
        inputs=inputs,
        versions=versions(),
        cost=cost,
        settings=settings,
        # Both are optima of one objective: the direct fit's spread stands for the fit's.
        **_network_fit(found, name, references.spread),
    )


def best_pinn(
    fits: Mapping[str, FitResult], verifications: Mapping[str, Verification]
) -> str | None:
    """Name of the PINN fit whose network reaches the highest mean DICE, or None."""
    names = [name for name, fit in fits.items() if fit.method == "pinn"]
    if not names:
        return None
    return max(names, key=lambda name: mean_dice(verifications[name].dice["network"]))


def mean_dice(dice: Mapping[str, float | None]) -> float:
    """Mean DICE over the regions that have one; -1 where none has."""
    known = [value for value in dice.values() if value is not None]
    return float(np.mean(known)) if known else -1.0


def _headline(found: StepRecords, settings: Settings) -> str:
    """Name of the headline fit, once every fit has its verification."""
    missing = sorted(set(found.fits) - set(found.verifications))
    if missing:
        raise InputError(f"fits without a verification: {', '.join(missing)}")
    name = headline_fit(settings).name
    if name not in found.fits:
        raise InputError(
            f"no headline fit (BiLO, char lift, origin inferred, first seed: {name}) among "
            f"{', '.join(sorted(found.fits)) or 'no fits'}"
        )
    return name


def _outcome(found: StepRecords, name: str) -> Outcome:
    """What to call a fit, by its verification and the direct fit with the same origin."""
    fit = found.fits[name]
    return outcome(fit, found.verifications[name], found.references.direct(fit.x0))


def _objectives(found: StepRecords, name: str) -> HeadlineObjectives:
    """The objective of a fit beside its references."""
    return HeadlineObjectives(
        **found.verifications[name].objective,
        direct_fit=found.references.direct_fdm.objective,
        characteristic=found.references.characteristic_fdm.objective,
    )


def _entry(found: StepRecords, name: str) -> FitEntry:
    """The entry of a fit in `fits`."""
    fit, verification = found.fits[name], found.verifications[name]
    return FitEntry(
        name=name,
        weight=fit.weight,
        behind_walls=fit.assessment.get("behind_walls"),
        objective=Objectives(**verification.objective),
        dice=FitDice.model_validate(verification.dice),
        **_network_fit(found, name),
    )


def _network_fit(found: StepRecords, name: str, local: LocalSpread | None = None) -> dict[str, Any]:
    """The fields of a `NetworkFit`: what `fits` and the top level say alike."""
    fit, verification = found.fits[name], found.verifications[name]
    return {
        **{key: getattr(fit, key) for key in ("method", "lift", "x0", "seed", "seconds")},
        **_growth(fit, found.domain, local),
        "relative_error_u": verification.relative_error_u,
        "objective_prior": verification.objective_prior,
        "start": fit.assessment.get("start"),
        "first_start": fit.assessment.get("first_start"),
        **asdict(_outcome(found, name)),
    }


def _growth(fit: FitResult, domain: Domain, local: LocalSpread | None) -> dict[str, Any]:
    """Parameters of a fit with their local spreads, in the units of the results."""
    sd = {} if local is None else physical(fit, local)
    if not domain.TC.any():
        sd.pop("TC", None)  # nothing was fitted
    names = ("DT_mm2", "rhoT", "lambda_mm", "rD", "rRHO")
    return {
        **{name: Estimate.of(getattr(fit, name), sd.get(name)) for name in names},
        "thresholds": Thresholds(
            **{
                region: Estimate.of(fit.thresholds.get(region), sd.get(region))
                for region in REGIONS
            }
        ),
        "x0_mm": world(fit.x0_plane_mm, domain),
        "x0_plane_mm": fit.x0_plane_mm,
        "x0_plane_sd_mm": None if local is None else (local.x0_x_mm, local.x0_y_mm),
    }


def _absolute(fit: FitResult, days: float | None) -> AbsoluteRates | None:
    """D and rho where the time since onset is stated; one scan alone does not fix them."""
    if days is None:
        return None
    return AbsoluteRates(D_mm2_per_day=fit.DT_mm2 / days, rho_per_day=fit.rhoT / days)
