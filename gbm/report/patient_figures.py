"""The figures of one patient's page, from what the steps before have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit

from gbm.config.conventions import REGIONS
from gbm.domain.domain import Domain
from gbm.growth.extent import LEVELS, infiltrated
from gbm.growth.growth_map import coarsen, logit_between
from gbm.io.files import read_npz, read_sealed
from gbm.io.layout import Layout, arrays
from gbm.report.figures import curves, identifiability, maps, planes
from gbm.report.figures.canvas import near_tumour
from gbm.report.figures.reach import reach
from gbm.report.section import ACROSS, Section, section
from gbm.report.tables import MODEL_NAMES
from gbm.report.volumes import Anatomy
from gbm.results.export import predicted_density
from gbm.results.metrics_table import Metrics, dice_of
from gbm.results.patient_result import PatientResult
from gbm.results.truth import PhantomTruth

ATLAS_COLOURS = {"brain": "#E69F00", "white matter": "#56B4E9"}
TISSUE_LINES = {"wm": "#F0E442", "gm": "#56B4E9", "csf": "#D55E00"}


@dataclass(frozen=True)
class Trained:
    """The network of the headline.

    Attributes
    ----------
    times, u : (n,) and (n, m_1, .., m_d) array
        Its density at fractions of T, the last at the scan, on the cells of its objective.
    history : mapping
        Losses and parameters along the fit.
    """

    times: np.ndarray
    u: np.ndarray
    history: Mapping[str, Sequence[float]]

    def on(self, plane: Section, shape: tuple[int, ...]) -> np.ndarray:
        """Its density on the voxels (of a shape) of a plane, at all times.

        Between the cells of a volume the logit is linear, as in `gbm.growth.verification`.
        """
        if self.u.shape[1:] == shape:
            return plane.of(self.u)
        found = [expit(plane.of(logit_between(u, self.cells(shape), shape))) for u in self.u]
        return np.stack(found)

    def cells(self, shape: tuple[int, ...]) -> int:
        """Voxels (of a shape) along one of its cells."""
        return round(shape[0] / self.u.shape[1])

    def minus(self, u: np.ndarray, phi: np.ndarray, plane: Section) -> np.ndarray:
        """Its last density minus one of the voxels, on its cells of tissue that a plane cuts."""
        n = self.cells(phi.shape)
        difference = np.where(coarsen(phi, n) > 0.5, self.u[-1] - coarsen(u, n), np.nan)
        for axis in range(difference.ndim):
            difference = np.repeat(difference, n, axis=axis)
        return plane.of(difference)


@dataclass(frozen=True)
class Fields:
    """Solutions to draw.

    Attributes
    ----------
    fdm : (n_1, .., n_d) array
        The finite-volume solution at the parameters of the headline, on the voxels.
    network : Trained or None
        None where the headline is the direct fit.
    """

    fdm: np.ndarray
    network: Trained | None


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
    return drawn | sharpness(result, truth) | registration(result, anatomy)


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


def sharpness(result: PatientResult, truth: PhantomTruth | None) -> dict[str, Figure]:
    """How sharply the growth parameters are determined, as the direct fit has found out."""
    references, fitted = result.baselines, result.lambda_mm.value
    direct, start = references.direct_fdm, result.characteristic
    points: list[tuple[str, float | None, float | None]] = [
        ("direct fit", direct.lambda_mm, direct.rhoT),
        ("start", start.lambda_mm, start.rhoT),
    ]
    if result.method == "bilo":
        points.insert(0, ("BiLO", fitted, result.rhoT.value))
    if truth is not None:
        points.append(("truth", truth.lambda_mm, truth.rhoT))
    drawn = {
        "surface": identifiability.surface_map(
            references.surface, points, references.spread, (direct.lambda_mm, direct.rhoT)
        )
    }
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


def read_fields(result: PatientResult, files: Layout) -> Fields:
    """Solutions of the headline, and how its network was trained."""
    fdm, network = predicted_density(result, files), None
    if result.method == "bilo":
        record = files.fit(result.headline)
        stored = read_npz(arrays(record))
        network = Trained(stored["times"], stored["u"], read_sealed(record)["history"])
    return Fields(fdm, network)
