"""The figures of one patient's page, from what the steps before have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from gbm.domain.domain import Domain
from gbm.io.files import read_json
from gbm.io.layout import Layout, arrays
from gbm.report.figures import curves, identifiability, maps, planes
from gbm.report.figures.canvas import near_tumour
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
    times, u : (n,) and (n, nx, ny) array
        Its density at fractions of T, the last at the scan.
    history : mapping
        Losses and parameters along the fit.
    """

    times: np.ndarray
    u: np.ndarray
    history: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Fields:
    """Solutions to draw, all on the domain's voxel centres.

    Attributes
    ----------
    fdm : (nx, ny) array
        The finite-volume solution at the parameters of the headline.
    network : Trained or None
        None where the headline is the direct fit.
    """

    fdm: np.ndarray
    network: Trained | None


def draw(
    result: PatientResult,
    metrics: Metrics,
    domain: Domain,
    fields: Fields,
    anatomy: Anatomy,
    truth: PhantomTruth | None = None,
) -> dict[str, Figure]:
    """All figures by name."""
    image, network = anatomy.image_on(domain), fields.network
    thresholds = result.thresholds.levels()
    solutions = [fields.fdm, *([] if network is None else [network.u[-1]])]
    near = near_tumour(domain, *(maps.predicted(domain, u, thresholds) for u in solutions))
    x0 = np.asarray(result.x0_grid_mm, float)
    drawn = {
        "views": maps.views(domain, image, fields.fdm),
        "tissue": maps.tissue(domain),
        "diffusivity": maps.diffusivity(domain),
        "phase_field": maps.phase_field_map(domain),
        "density_fdm": maps.density(domain, fields.fdm, thresholds, x0, "Finite volumes", near),
        "scores": curves.dice_marks(
            [
                (
                    MODEL_NAMES[model][0],
                    {region: dice_of(metrics, model, region) for region in ("WT", "TC")},
                )
                for model in MODEL_NAMES
                if model in metrics
            ]
        ),
    }
    if image is not None:
        drawn["anatomy"] = maps.anatomy(domain, image[1], image[0])
        drawn["overlay"] = maps.overlay(domain, image[1], image[0], fields.fdm, thresholds, near)
    if network is not None:
        u = network.u[-1]
        drawn["density_network"] = maps.density(domain, u, thresholds, x0, "BiLO network", near)
        drawn["error"] = maps.error(domain, u, fields.fdm, near)
        drawn["losses"] = curves.losses(network.history)
        drawn["unknowns"] = curves.unknowns(network.history)
        if len(network.times) > 1 and thresholds["WT"] is not None:
            drawn["time"] = maps.spread_in_time(
                domain, network.times, network.u, thresholds["WT"], near
            )
    return drawn | sharpness(result, truth) | registration(result, anatomy)


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
        with np.load(arrays(record), allow_pickle=False) as stored:
            network = Trained(stored["times"], stored["u"], read_json(record)["history"])
    return Fields(fdm, network)
