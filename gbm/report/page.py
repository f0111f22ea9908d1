"""The page of one patient: gathers figures, tables and sentences into one offline HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gbm.config import Patient
from gbm.domain import Domain, load_domain
from gbm.files import read_json, write_text
from gbm.plane import edge_names
from gbm.report.anatomy import read_anatomy
from gbm.report.cards import cards, headline, opening
from gbm.report.drawing import draw, read_fields
from gbm.report.figures.style import encoded, look, svg
from gbm.report.methods import REFERENCES, methods
from gbm.report.quality import quality_rows
from gbm.report.registration import registration_rows, registration_sentence
from gbm.report.tables import (
    fit_rows,
    other_minima,
    parameter_rows,
    read_metrics,
    score_rows,
)
from gbm.report.templating import environment, script
from gbm.report.viewer import Scene, niivue, scene
from gbm.report.words import Metrics, findings

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


def run(
    *,
    params: Path,
    metrics: Path,
    domain: Path,
    fits: Sequence[Path],
    arrays: Sequence[Path],
    verifications: Sequence[Path],
    patient: Patient,
    tissue: Mapping[str, Path],
    density: Path,
    registration: Mapping[str, Path],
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
    patient : Patient
        Its segmentation and images.
    tissue, density, registration
        See `gbm.report.anatomy.read_anatomy`.
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
    known = None if truth is None else read_json(truth)
    anatomy = read_anatomy(patient, tissue=tissue, density=density, registration=registration)
    with look():
        drawn = draw(fitted, measured, problem, history, fields, anatomy, known)
        pictures = {name: svg(figure) for name, figure in drawn.items()}
    for name, text in pictures.items():
        write_text(figures / f"{name}.svg", text)
    views = scene(
        problem,
        whole=anatomy.whole,
        core=anatomy.core,
        tissue=anatomy.tissue,
        density=anatomy.density,
        image=anatomy.image,
        focus=fitted["x0_mm"],
    )
    write_text(page, render(fitted, measured, problem, pictures, views, known))


def render(
    params: Mapping[str, Any],
    metrics: Metrics,
    domain: Domain,
    pictures: Mapping[str, str],
    views: Scene,
    truth: Mapping[str, Any] | None,
) -> str:
    """The page as text; `pictures` are SVG texts by name."""
    settings = params["settings"]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            p=params,
            s=settings,
            figures={name: encoded(text) for name, text in pictures.items()},
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            verdict_text=opening(params["verdict"]),
            headline=headline(params, metrics),
            cards=cards(params, metrics),
            layers=views.layers,
            scene=Markup(views.description()),
            volumes=views.volumes(),
            niivue=niivue(),
            starter=script("viewer.js"),
            references=REFERENCES,
            findings=findings(params, metrics),
            orientation=orientation(domain),
            score_rows=score_rows(metrics),
            parameter_rows=parameter_rows(params, truth),
            truth=truth,
            fit_rows=fit_rows(params),
            minima=other_minima(params),
            quality_rows=quality_rows(params),
            registration_rows=registration_rows(params),
            registration_sentence=registration_sentence(params),
            methods=methods(params),
            settings_text=json.dumps(settings, indent=2),
        )
    )
