"""The summary of a patient: what its steps wrote, made into one `PatientResult`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gbm.config.errors import InputError
from gbm.config.fit_names import headline_fit, of_main_job
from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.growth.extent import AT_BORDER
from gbm.growth.grids import Grids
from gbm.io.provenance import InputFile, RunCost, versions
from gbm.judging.flat_range import flat_range
from gbm.judging.judge import judge
from gbm.judging.outcome import outcome_of_direct, unsettled
from gbm.judging.posterior import GrowthPosterior
from gbm.judging.quality import Numbers, of_growth, of_network
from gbm.judging.verified_fit import Found, VerifiedFit
from gbm.results.estimate import Estimate
from gbm.results.fit_entry import HeadlineObjectives
from gbm.results.patient_result import (
    MODEL_OF,
    AbsoluteRates,
    FittedPlane,
    FittedVolume,
    GridSizes,
    NetworkGridObjectives,
    PatientResult,
    Quality,
    SliceFit,
)
from gbm.results.references import CharacteristicStart, References
from gbm.results.registration_record import RegistrationRecord


@dataclass(frozen=True)
class StepRecords:
    """What the steps of one patient wrote.

    Attributes
    ----------
    domain : Domain
        The fitted problem.
    characteristic : CharacteristicStart
    references : References
    numbers : mapping
        Quality of images, tissue and segmentation, see `gbm.judging.quality.gather`.
    registration : RegistrationRecord or None
        None where the patient brings tissue maps.
    fits : mapping
        The networks, by name.
    posterior : GrowthPosterior or None
        None where none was asked for.
    slice_fit : SliceFit or None
        Of a volume: what one slice alone says.
    input_warnings : tuple of str
        Remarks of the check.
    """

    domain: Domain
    characteristic: CharacteristicStart
    references: References
    numbers: Numbers
    registration: RegistrationRecord | None
    fits: Mapping[str, VerifiedFit]
    posterior: GrowthPosterior | None = None
    slice_fit: SliceFit | None = None
    input_warnings: tuple[str, ...] = ()

    @property
    def core(self) -> bool:
        """Whether there is a core."""
        return bool(self.domain.TC.any())


@dataclass(frozen=True)
class Headline:
    """What the headline brings to a result.

    Attributes
    ----------
    fields : mapping
        Fields of `PatientResult`.
    numbers : mapping
        What the gates judge.
    judged : mapping
        What `judge` is told of the fit beside them.
    reach : mapping
        What is infiltrated beyond the outline, see `gbm.growth.extent.extent`.
    """

    fields: Mapping[str, Any]
    numbers: Numbers
    judged: Mapping[str, Any]
    reach: Mapping[str, float | None]


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
        The effective settings; those of the comparison count for nothing.
    inputs : tuple of InputFile
        The files it was made of.
    cost : RunCost, optional
        What the steps took.

    Raises
    ------
    InputError
        If there is no headline fit.
    """
    direct = settings.fit.method == "direct"
    headline = _direct_headline(found) if direct else _network_headline(found, settings)
    references, domain, profile = found.references, found.domain, found.references.profile
    posterior = found.posterior
    numbers = {
        **found.numbers,
        **headline.numbers,
        "outside_interval": outside_interval(headline.fields["lambda_mm"], headline.fields["rhoT"]),
        AT_BORDER: headline.reach.get(AT_BORDER),
        "outline_rms_mm": None if posterior is None else posterior.misfit_mm,
    }
    return PatientResult(
        patient=domain.patient,
        dimensions=domain.dimensions,
        verdict=judge(
            numbers, settings, **headline.judged, unsettled=unsettled(references.direct_fdm)
        ),
        characteristic=found.characteristic,
        baselines=references,
        flat_lambda_mm=flat_range(
            profile.lambda_mm, profile.objective, settings.objective.scale.margin
        ),
        uncertainty=None if posterior is None else posterior.to_record(),
        absolute=_absolute(headline.fields, settings.growth.T_days),
        fits=tuple(fit.entry(name, domain) for name, fit in sorted(found.fits.items())),
        domain=_fitted(domain),
        grid_mm=_grid_sizes(domain, settings),
        slice_fit=found.slice_fit,
        quality=Quality(numbers=numbers),
        registration=found.registration,
        input_warnings=found.input_warnings,
        inputs=inputs,
        versions=versions(),
        cost=cost,
        settings=of_main_job(settings).without_paths(),
        digest="",  # by whoever writes it
        **headline.fields,
    )


def outside_interval(*estimates: Estimate) -> float | None:
    """How many values lie outside their own 90 % intervals; None without an interval."""
    known = [(e.value, e.interval90) for e in estimates if e.value is not None and e.interval90]
    return float(sum(not low <= v <= high for v, (low, high) in known)) if known else None


def _network_headline(found: StepRecords, settings: Settings) -> Headline:
    """The network that reports."""
    name = headline_fit(settings).name
    if name not in found.fits:
        raise InputError(
            f"no headline fit (BiLO, char lift, origin inferred, first seed: {name}) among "
            f"{', '.join(sorted(found.fits)) or 'no fits'}"
        )
    headline, references = found.fits[name], found.references
    fit, verification = headline.fit, headline.verification
    objective = _objectives(references, **verification.objective)
    own = Found.by_network(fit)
    return Headline(
        fields={
            **headline.fields(found.domain, found.posterior),
            "headline": name,
            "objective": objective,
            "objective_network_grid": _on_network_grid(found, verification.objective_network_grid),
            "steps": fit.steps,
            "device": fit.device,
        },
        numbers={
            **of_network(verification.relative_error_u["final"], objective),
            **of_growth(own.growth, own.thresholds, found.core),
        },
        judged=asdict(headline.outcome),
        reach=verification.extent,
    )


def _direct_headline(found: StepRecords) -> Headline:
    """The direct fit as the one that reports; there is no network to be judged."""
    references, direct = found.references, found.references.direct_fdm
    own = Found.by_direct_fit(direct, found.characteristic, found.core)
    absent = ("lift", "seed", "steps", "relative_error_u", "start", "first_start")
    return Headline(
        fields={
            **own.fields(found.domain, found.posterior),
            **dict.fromkeys(absent),
            "method": "direct",
            "headline": MODEL_OF["direct"],
            "x0": "inferred",
            "device": "cpu",
            "objective": _objectives(references, network=None, fdm=direct.objective),
            "objective_network_grid": _on_network_grid(found, {"network": None, "fdm": None}),
            "objective_prior": direct.objective_prior,
            "seconds": direct.seconds,
            **asdict(outcome_of_direct(direct)),
        },
        numbers=of_growth(own.growth, own.thresholds, found.core),
        judged={},  # a direct fit that did not settle is judged in any case
        reach=direct.extent,
    )


def _objectives(
    references: References, network: float | None, fdm: float | None
) -> HeadlineObjectives:
    """The objective of the headline beside its references."""
    return HeadlineObjectives(
        network=network,
        fdm=fdm,
        direct_fit=references.direct_fdm.objective,
        characteristic=references.characteristic_fdm.objective,
    )


def _absolute(fields: Mapping[str, Any], days: float | None) -> AbsoluteRates | None:
    """D and rho where the time since onset is stated; one scan alone does not fix them."""
    if days is None:
        return None
    DT, rhoT = fields["DT_mm2"].value, fields["rhoT"].value
    return AbsoluteRates(D_mm2_per_day=DT / days, rho_per_day=rhoT / days)


def _fitted(domain: Domain) -> FittedPlane | FittedVolume:
    """What was fitted."""
    if domain.dimensions == 3:
        return FittedVolume.model_validate(domain.numbers)
    return FittedPlane.model_validate(
        {"plane": domain.plane, "slice": domain.slice, **domain.numbers}
    )


def _grid_sizes(domain: Domain, settings: Settings) -> GridSizes | None:
    """Cells of the grids of a volume."""
    if domain.dimensions == 2:
        return None
    grids = Grids.of(domain.dimensions, settings.verify.refine)
    return GridSizes(network=grids.network, reported=grids.reported)


def _on_network_grid(
    found: StepRecords, objective: Mapping[str, float | None]
) -> NetworkGridObjectives | None:
    """The objective on the cells of a volume that the network learned on."""
    if found.domain.dimensions == 2:
        return None
    direct = found.references.direct_fdm.objective_network_grid
    return NetworkGridObjectives(**objective, direct_fit=direct)
