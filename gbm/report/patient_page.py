"""The page of one patient: gathers figures, tables and sentences into one offline HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from gbm.domain.domain import Domain
from gbm.domain.plane import edge_names
from gbm.report.figures.style import encoded
from gbm.report.findings import findings
from gbm.report.headline import cards, headline, opening
from gbm.report.methods_text import REFERENCES, methods
from gbm.report.quality_table import quality_rows
from gbm.report.registration_table import registration_rows, registration_sentence
from gbm.report.tables import fit_rows, other_minima, parameter_rows, score_rows
from gbm.report.templating import environment, script
from gbm.report.viewer import Scene, niivue
from gbm.results.metrics_table import Metrics

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
