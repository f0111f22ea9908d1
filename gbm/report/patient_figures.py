"""The figures of one patient's page, from what the steps before have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gbm.domain.domain import Domain
from gbm.report.figures import curves, identifiability, maps, planes
from gbm.report.figures.canvas import near_tumour
from gbm.report.findings import dice
from gbm.report.tables import MODELS
from gbm.report.volumes import Anatomy
from gbm.results.estimate import value
from gbm.results.metrics_table import Metrics

ATLAS_COLOURS = {"brain": "#E69F00", "white matter": "#56B4E9"}
TISSUE_LINES = {"wm": "#F0E442", "gm": "#56B4E9", "csf": "#D55E00"}


@dataclass(frozen=True)
class Fields:
    """Solutions to draw, all on the domain's voxel centres.

    Attributes
    ----------
    times, network : (n,) and (n, nx, ny) array
        The headline network at fractions of T, the last at the scan.
    fdm : (nx, ny) array
        The finite-volume solution at its parameters.
    pinn : (nx, ny) array or None
        The network of the PINN of the metrics table.
    """

    times: np.ndarray
    network: np.ndarray
    fdm: np.ndarray
    pinn: np.ndarray | None


def draw(
    params: Mapping[str, Any],
    metrics: Metrics,
    domain: Domain,
    history: Mapping[str, Any],
    fields: Fields,
    anatomy: Anatomy,
    truth: Mapping[str, Any] | None = None,
) -> dict[str, Figure]:
    """All figures by name."""
    image = anatomy.image_on(domain)
    thresholds = {region: value(entry) for region, entry in params["thresholds"].items()}
    x0 = np.asarray(params["x0_plane_mm"], float)
    u = fields.network[-1]
    near = near_tumour(
        domain,
        maps.predicted(domain, fields.fdm, thresholds),
        maps.predicted(domain, u, thresholds),
    )
    drawn = {
        "views": maps.views(domain, image, fields.fdm),
        "tissue": maps.tissue(domain),
        "diffusivity": maps.diffusivity(domain),
        "phase_field": maps.phase_field(domain),
        "density_network": maps.density(domain, u, thresholds, x0, "BiLO network", near),
        "density_fdm": maps.density(domain, fields.fdm, thresholds, x0, "Finite volumes", near),
        "error": maps.error(domain, u, fields.fdm, near),
        "losses": curves.losses(history),
        "unknowns": curves.unknowns(history),
        "scores": curves.scores(
            [
                (
                    MODELS[model][0],
                    {region: dice(metrics, model, region) for region in ("WT", "TC")},
                )
                for model in MODELS
                if model in metrics
            ]
        ),
    }
    if image is not None:
        drawn["anatomy"] = maps.anatomy(domain, image[1], image[0])
        drawn["overlay"] = maps.overlay(domain, image[1], image[0], fields.fdm, thresholds, near)
    if fields.pinn is not None:
        entry = next(fit for fit in params["fits"] if fit["name"] == params["pinn"])
        levels = {region: value(level) for region, level in entry["thresholds"].items()}
        start = np.asarray(entry["x0_plane_mm"], float)
        title = f"PINN network, weight {entry['weight']:g}"
        drawn["density_pinn"] = maps.density(domain, fields.pinn, levels, start, title, near)
    if len(fields.times) > 1 and thresholds["WT"] is not None:
        drawn["time"] = maps.spread_in_time(
            domain, fields.times, fields.network, thresholds["WT"], near
        )
    return drawn | sharpness(params, truth) | registration(params, anatomy)


def sharpness(params: Mapping[str, Any], truth: Mapping[str, Any] | None) -> dict[str, Figure]:
    """How sharply the growth parameters are determined, where the direct fit has found out."""
    references, drawn = params["baselines"], {}
    if references.get("profile"):
        drawn["profile"] = identifiability.profile(
            references["profile"], value(params["lambda_mm"])
        )
    if references.get("surface"):
        direct = references["direct_fdm"]
        marked = [("BiLO", params), ("direct fit", direct), ("start", params["characteristic"])]
        if truth is not None:
            marked.append(("truth", truth))
        points = [(name, value(fit["lambda_mm"]), value(fit["rhoT"])) for name, fit in marked]
        drawn["surface"] = identifiability.surface(
            references["surface"],
            points,
            references.get("spread"),
            (direct["lambda_mm"], direct["rhoT"]),
        )
    return drawn


def registration(params: Mapping[str, Any], anatomy: Anatomy) -> dict[str, Figure]:
    """Contours of the registered atlas and of the tissue maps over the patient's image."""
    checked = anatomy.checked()
    if checked is None:
        return {}
    image, maps_on_it = checked
    place = np.asarray(params["x0_mm"], float)
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


def read_fields(
    params: Mapping[str, Any], arrays: Sequence[Path], verifications: Sequence[Path]
) -> Fields:
    """Solutions of the headline fit and of the PINN, from the files of all fits."""
    fits = {path.stem: path for path in arrays}
    verified = {path.stem: path for path in verifications}
    with np.load(fits[params["headline"]], allow_pickle=False) as stored:
        times, network = stored["times"], stored["u"]
    with np.load(verified[params["headline"]], allow_pickle=False) as stored:
        fdm = stored["u_fdm"]
    pinn = None
    if params["pinn"] is not None:
        with np.load(fits[params["pinn"]], allow_pickle=False) as stored:
            pinn = stored["u"][-1]
    return Fields(times, network, fdm, pinn)
