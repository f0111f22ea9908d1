"""The page of one patient: gathers figures, tables and sentences into one offline HTML file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from matplotlib.figure import Figure

from gbm.domain import Domain, load_domain
from gbm.files import read_json, write_text
from gbm.plane import edge_names, sample
from gbm.report.figures import curves, maps
from gbm.report.figures.canvas import near_tumour
from gbm.report.figures.style import look, svg
from gbm.report.methods import methods
from gbm.report.numbers import num, percent, value
from gbm.report.quality import quality_rows
from gbm.report.tables import (
    MODELS,
    fit_rows,
    flat_range,
    other_minima,
    parameter_rows,
    read_metrics,
    score_rows,
)
from gbm.report.templating import environment
from gbm.report.words import Metrics, dice, findings

VERDICT_TEXT = {
    "green": "The inputs passed every gate and the fit is verified.",
    "amber": "Read with caution: at least one check asks for a human eye.",
    "red": "Do not rely on these numbers.",
}
SIDES = {
    "L": "left",
    "R": "right",
    "A": "anterior",
    "P": "posterior",
    "S": "superior",
    "I": "inferior",
}


def orientation(domain: Domain) -> str:
    """How the maps are turned, against the radiological custom."""
    (west, east), (south, north) = edge_names(domain)
    text = (
        f"Orientation: the patient's {SIDES[west]} is on the left of the image, {SIDES[east]} on "
        f"the right, {SIDES[north]} at the top, {SIDES[south]} at the bottom."
    )
    if (west, east) == ("L", "R"):
        text += (
            " This is the neurological convention; radiological images show left and right swapped."
        )
    return text


def image_slice(domain: Domain, path: Path) -> np.ndarray:
    """An image of the patient on the plane of the domain, (nx, ny)."""
    image: Any = nib.load(path)
    data = np.asarray(image.dataobj, dtype=float)
    return sample(domain, np.nan_to_num(data), image.affine)


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
    image: tuple[str, np.ndarray] | None,
) -> dict[str, Figure]:
    """All figures by name."""
    thresholds = {region: value(entry) for region, entry in params["thresholds"].items()}
    x0 = np.asarray(params["x0_plane_mm"], float)
    u = fields.network[-1]
    near = near_tumour(
        domain,
        maps.predicted(domain, fields.fdm, thresholds),
        maps.predicted(domain, u, thresholds),
    )
    drawn = {
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
    curve = params["baselines"].get("profile")
    if curve:
        drawn["profile"] = curves.profile(curve, value(params["lambda_mm"]))
    return drawn


def cards(params: Mapping[str, Any], metrics: Metrics) -> list[dict[str, str]]:
    """The few numbers a reader looks for first."""

    def both(model: str) -> str:
        return f"{num(dice(metrics, model, 'WT'))} / {num(dice(metrics, model, 'TC'))}"

    def card(name: str, shown: str, unit: str, more: str) -> dict[str, str]:
        return {"name": name, "value": shown, "unit": unit, "more": more}

    return [
        card("Front width λ", num(params["lambda_mm"]), "mm", "√(D/ρ)"),
        card("Growth ρT", num(params["rhoT"]), "", "over the unknown time T"),
        card("DICE, whole / core", both("bilo_fdm"), "", "BiLO, by finite volumes"),
        card("Direct fit", both("direct_fdm"), "", "DICE, the classical way"),
        card("Disc", both("disc"), "", "DICE of a disc of equal area"),
        card(
            "Network against solver",
            percent(params["relative_error_u"]["final"]),
            "",
            "relative L2 difference at the scan",
        ),
    ]


def chosen_image(files: Mapping[str, Path]) -> tuple[str, Path] | None:
    """The image that shows the tumour best, with its name; None where the patient has none.

    Parameters
    ----------
    files : mapping
        Dotted key to file (`Patient.paths()`).
    """
    for key, name in (("t1c", "T1c"), ("flair", "FLAIR"), ("t1", "T1"), ("t2", "T2")):
        path = files.get(f"patient.images.{key}")
        if path is not None:
            return name, path
    return None


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


def run(
    *,
    params: Path,
    metrics: Path,
    domain: Path,
    fits: Sequence[Path],
    arrays: Sequence[Path],
    verifications: Sequence[Path],
    files: Mapping[str, Path],
    page: Path,
    figures: Path,
    truth: Path | None = None,
) -> None:
    """Write the page of a patient and its figures.

    Parameters
    ----------
    params, metrics, domain : Path
        `desc-growth_params.json`, `desc-growth_metrics.tsv`, `desc-domain.npz`.
    fits, arrays : sequence of Path
        `fits/<name>.json` (history) and `fits/<name>.npz` (`u`, `times`) of all fits; the headline
        and the best PINN are picked by name.
    verifications : sequence of Path
        `verify/<name>.npz` (`u_fdm`).
    files : mapping
        Dotted key to file of the patient (`Patient.paths()`), for the image under the segmentation.
    page : Path
        Written: the self-contained HTML file.
    figures : Path
        Folder of the figures, one SVG each.
    truth : Path, optional
        Truth of a phantom, to be shown beside the estimates.
    """
    fitted, measured, problem = read_json(params), read_metrics(metrics), load_domain(domain)
    record = next(path for path in fits if path.stem == fitted["headline"])
    history = read_json(record)["history"]
    fields = read_fields(fitted, arrays, verifications)
    image = chosen_image(files)
    shown = None if image is None else (image[0], image_slice(problem, image[1]))
    with look():
        drawn = draw(fitted, measured, problem, history, fields, shown)
        pictures = {name: svg(figure) for name, figure in drawn.items()}
    for name, text in pictures.items():
        write_text(figures / f"{name}.svg", text)
    known = None if truth is None else read_json(truth)
    write_text(page, render(fitted, measured, problem, pictures, known))


def render(
    params: Mapping[str, Any],
    metrics: Metrics,
    domain: Domain,
    pictures: Mapping[str, str],
    truth: Mapping[str, Any] | None,
) -> str:
    """The page as text; `pictures` are SVG texts by name."""
    encoded = {
        name: "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()
        for name, text in pictures.items()
    }
    settings = params["settings"]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            p=params,
            s=settings,
            figures=encoded,
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            verdict_text=VERDICT_TEXT[params["verdict"]["colour"]],
            cards=cards(params, metrics),
            findings=findings(params, metrics),
            orientation=orientation(domain),
            score_rows=score_rows(metrics),
            parameter_rows=parameter_rows(params, truth),
            truth=truth,
            fit_rows=fit_rows(params),
            minima=other_minima(params),
            flat=flat_range(params["baselines"].get("profile")),
            days=settings["growth"]["T_days"],
            dt=value(params["DT_mm2"]),
            rt=value(params["rhoT"]),
            quality_rows=quality_rows(params),
            methods=methods(params),
            settings_text=json.dumps(settings, indent=2),
        )
    )
