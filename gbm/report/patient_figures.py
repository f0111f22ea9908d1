"""The figures of one patient's page, from what the steps before have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from gbm.config.conventions import REGIONS
from gbm.domain.domain import Domain
from gbm.growth.extent import LEVELS, infiltrated
from gbm.report.fields import Fields, Sampled, Trained
from gbm.report.figures import curves, identifiability, maps, planes, posterior
from gbm.report.figures.canvas import near_tumour
from gbm.report.figures.reach import reach
from gbm.report.plans import PlanView
from gbm.report.section import ACROSS, Section, section
from gbm.report.tables import MODEL_NAMES
from gbm.report.volumes import Anatomy
from gbm.results.metrics_table import Metrics, dice_of
from gbm.results.patient_result import PatientResult
from gbm.results.truth import PhantomTruth

ATLAS_COLOURS = {"brain": "#E69F00", "white matter": "#56B4E9"}
Mark = tuple[str, float | None, float | None]
TISSUE_LINES = {"wm": "#F0E442", "gm": "#56B4E9", "csf": "#D55E00"}


@dataclass(frozen=True)
class View:
    """A plane with what is drawn on it.

    Attributes
    ----------
    plane : Section
    image : tuple of str and (n, m) array, or None
        Name and values of the patient's image.
    u : (n, m) array
        The finite-volume solution.
    x0 : (2,) array or None
        The origin; None where it does not lie in the plane.
    """

    plane: Section
    image: tuple[str, np.ndarray] | None
    u: np.ndarray
    x0: np.ndarray | None

    @property
    def domain(self) -> Domain:
        """The plane as a problem in two dimensions."""
        return self.plane.domain

    @property
    def name(self) -> str:
        """What a title says of a plane of a volume."""
        return "" if self.plane.across is None else f", {self.domain.plane}"

    def maps(self, thresholds: maps.Levels) -> dict[str, Figure]:
        """The prediction on the plane: outlines, density, reach beyond the outline."""
        domain, u = self.domain, self.u
        near = near_tumour(domain, maps.predicted(domain, u, thresholds))
        title = f"Finite volumes{self.name}"
        values = None if self.image is None else self.image[1]
        wide = near_tumour(domain, infiltrated(domain, u, min(LEVELS)))
        drawn = {
            "density_fdm": maps.density(domain, u, thresholds, self.x0, title, near),
            "reach": reach(domain, values, u, f"Beyond the segmented tumour{self.name}", wide),
        }
        if self.image is not None:
            name = f"{self.image[0]}{self.name}"
            drawn["overlay"] = maps.overlay(domain, self.image[1], name, u, thresholds, near)
        return drawn


def draw(
    result: PatientResult,
    metrics: Metrics,
    domain: Domain,
    fields: Fields,
    anatomy: Anatomy,
    truth: PhantomTruth | None = None,
) -> dict[str, Figure]:
    """All figures by name."""
    thresholds = result.thresholds.levels()
    views = planes_of(result, domain, fields, anatomy)
    first = next(iter(views.values()))
    drawn = {
        "views": maps.views(first.domain, first.image, first.u),
        "tissue": maps.tissue(first.domain),
        "diffusivity": maps.diffusivity(first.domain),
        "phase_field": maps.phase_field_map(first.domain),
        "scores": curves.dice_marks(
            [
                (name, {region: dice_of(metrics, model, region) for region in REGIONS})
                for model, (name, _) in MODEL_NAMES[result.dimensions].items()
                if model in metrics
            ]
        ),
    }
    if first.image is not None:
        drawn["anatomy"] = maps.anatomy(first.domain, first.image[1], first.image[0])
    for key, view in views.items():
        drawn |= {f"{kind}{key}": figure for kind, figure in view.maps(thresholds).items()}
    if fields.network is not None:
        difference = fields.network.minus(fields.fdm, domain.phi, first.plane)
        seen = fields.network.on(first.plane, domain.phi.shape)
        drawn |= trained(first, fields.network, (seen, difference), thresholds)
    if fields.sampled is not None:
        drawn |= certainty(result, views, fields.sampled, marked(result, truth))
    if anatomy.plans is not None:
        drawn |= plans_of(domain, anatomy, anatomy.plans)
    return drawn | sharpness(result, truth) | registration(result, anatomy)


def plans_of(domain: Domain, anatomy: Anatomy, plans: PlanView) -> dict[str, Figure]:
    """The plans on the three planes through their centre."""
    place, _ = plans.centre(domain)
    views = {}
    for plane in ACROSS:
        cut = section(domain, plane, place)
        image = anatomy.image_on(cut.domain)
        views[f"_{plane}"] = (cut, None if image is None else image[1])
    return plans.figures(views)


def certainty(
    result: PatientResult, views: Mapping[str, View], sampled: Sampled, points: Sequence[Mark]
) -> dict[str, Figure]:
    """Samples of lambda and rho T, and the probability of infiltration on each plane."""
    known = result.uncertainty
    slices = () if known is None or known.slices is None else known.slices
    drawn = {
        "posterior": posterior.growth(
            (sampled.lambda_mm, sampled.rhoT, sampled.weights),
            (result.lambda_mm.interval90, result.rhoT.interval90),
            points,
            [(s.lambda_mm, s.rhoT) for s in slices],
        )
    }
    level = result.settings.uncertainty.infiltrated_above
    for key, view in views.items():
        probability = view.plane.of(sampled.infiltration)
        near = near_tumour(view.domain, view.domain.tissue & (probability > posterior.LEAST_SHOWN))
        image = None if view.image is None else view.image[1]
        title = f"Probability that u > {level:g}{view.name}"
        drawn[f"infiltration{key}"] = posterior.infiltration(
            view.domain, image, probability, title, near
        )
    return drawn


def planes_of(
    result: PatientResult, domain: Domain, fields: Fields, anatomy: Anatomy
) -> dict[str, View]:
    """The planes that the prediction is drawn on, by the end of their figures' names.

    The fitted slice; or the three planes of a volume through the origin and through the centre of
    the tumour, the axial one through the origin first.
    """
    x0 = np.asarray(result.x0_grid_mm, float)
    places = {"origin": x0, "centre": domain.centroid(domain.WT)}
    chosen = {"": section(domain, "axial", x0)}
    if domain.dimensions == 3:
        chosen = {
            f"_{name}_{plane}": section(domain, plane, place)
            for name, place in places.items()
            for plane in ACROSS
        }
    return {
        key: View(
            plane=plane,
            image=anatomy.image_on(plane.domain),
            u=plane.of(fields.fdm),
            x0=None if key.startswith("_centre") else plane.point(x0),
        )
        for key, plane in chosen.items()
    }


def trained(
    view: View, network: Trained, on_plane: tuple[np.ndarray, np.ndarray], thresholds: maps.Levels
) -> dict[str, Figure]:
    """What the network says on a plane, its error there, and how it was trained."""
    domain, (u, difference) = view.domain, on_plane
    near = near_tumour(domain, *(maps.predicted(domain, v, thresholds) for v in (view.u, u[-1])))
    title = f"BiLO network{view.name}"
    drawn = {
        "density_network": maps.density(domain, u[-1], thresholds, view.x0, title, near),
        "error": maps.error(domain, difference, near),
        "losses": curves.losses(network.history),
        "unknowns": curves.unknowns(network.history),
    }
    if len(network.times) > 1 and thresholds["WT"] is not None:
        drawn["time"] = maps.spread_in_time(domain, network.times, u, thresholds["WT"], near)
    return drawn


def marked(result: PatientResult, truth: PhantomTruth | None) -> list[Mark]:
    """Fits, start and, where known, the truth, as (label, lambda in mm, rho T)."""
    direct, start = result.baselines.direct_fdm, result.characteristic
    points: list[Mark] = [
        ("direct fit", direct.lambda_mm, direct.rhoT),
        ("start", start.lambda_mm, start.rhoT),
    ]
    if result.method == "bilo":
        points.insert(0, ("BiLO", result.lambda_mm.value, result.rhoT.value))
    if truth is not None:
        points.append(("truth", truth.lambda_mm, truth.rhoT))
    return points


def sharpness(result: PatientResult, truth: PhantomTruth | None) -> dict[str, Figure]:
    """The objective around the fit, as the direct fit has found out."""
    references, fitted = result.baselines, result.lambda_mm.value
    rises, points = result.settings.objective.scale.rises, marked(result, truth)
    drawn = {"surface": identifiability.surface_map(references.surface, points, rises)}
    if fitted is not None:
        drawn["profile"] = identifiability.profile_curve(references.profile, fitted)
    return drawn


def registration(result: PatientResult, anatomy: Anatomy) -> dict[str, Figure]:
    """Contours of the registered atlas and of the tissue maps over the patient's image."""
    checked = anatomy.checked()
    if checked is None:
        return {}
    image, maps_on_it = checked
    place = np.asarray(result.x0_mm, float)
    drawn = {}
    if anatomy.registered is not None:
        atlas = {name: anatomy.registered[name].data for name in ("wm", "gm", "csf")}
        outlines = {"brain": np.sum(list(atlas.values()), axis=0), "white matter": atlas["wm"]}
        lines = {name: (outlines[name], colour) for name, colour in ATLAS_COLOURS.items()}
        drawn["registration"] = planes.contours(
            image, lines, place, "Registered atlas over the patient's image"
        )
    lines = {
        maps.TISSUE_NAMES[key]: (maps_on_it[key], colour) for key, colour in TISSUE_LINES.items()
    }
    drawn["tissue_contours"] = planes.contours(
        image, lines, place, "Tissue maps of the model over the patient's image"
    )
    return drawn
