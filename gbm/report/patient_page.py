"""The page of one patient: gathers figures, tables and sentences into one offline HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from markupsafe import Markup

from gbm.domain.domain import Domain
from gbm.domain.plane import edge_names
from gbm.plan.table import RESEARCH
from gbm.report.at_a_glance import cards, opening, result_sentence
from gbm.report.certainty import certainty
from gbm.report.figures.style import encoded
from gbm.report.findings import WHOLE_TUMOUR, findings
from gbm.report.methods_text import methods, sources
from gbm.report.plans import PlanView
from gbm.report.quality_table import quality_rows
from gbm.report.registration_table import registration_rows, registration_sentence
from gbm.report.tables import (
    fit_rows,
    other_minima,
    parameter_rows,
    reach_rows,
    score_rows,
    slice_rows,
)
from gbm.report.templating import environment, script
from gbm.report.viewer import Scene, niivue
from gbm.report.words import WORDS
from gbm.results.metrics_table import Metrics
from gbm.results.patient_result import PatientResult
from gbm.results.truth import PhantomTruth

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
    if domain.dimensions == 3:
        turned = "the left of the patient is on the left of axial and coronal planes"
        return (
            f"Orientation: {turned}, the neurological convention (radiological images show left "
            "and right swapped); sagittal planes look from the right, anterior on the right."
        )
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


def render_patient(
    result: PatientResult,
    metrics: Metrics,
    domain: Domain,
    pictures: Mapping[str, str],
    views: Scene,
    truth: PhantomTruth | None,
    plans: PlanView | None = None,
) -> str:
    """The page as text; `pictures` are SVG texts by name."""
    words = WORDS[domain.dimensions]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            p=result,
            s=result.settings,
            volume=domain.dimensions == 3,
            words=words,
            plans=plans,
            plans_meet="" if plans is None else plans.centre(domain)[1],
            research=RESEARCH,
            view=views.plane,
            sure=result.lambda_mm.median is not None,
            certainty=certainty(result),
            a_slice=WHOLE_TUMOUR,
            sizes=[domain.numbers[f"{region}_{words.metric}"] for region in ("wt", "tc")],
            reach_rows=reach_rows(metrics, domain.dimensions),
            slice_rows=slice_rows(result),
            figures={name: encoded(text) for name, text in pictures.items()},
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            verdict_text=opening(result),
            headline=result_sentence(result, metrics),
            cards=cards(result, metrics),
            layers=views.layers,
            scene=Markup(views.description()),
            volumes=views.volumes(),
            niivue=niivue(),
            starter=script("viewer.js"),
            references=sources(result),
            findings=findings(result, metrics),
            orientation=orientation(domain),
            score_rows=score_rows(metrics, result.model, domain.dimensions),
            parameter_rows=parameter_rows(result, truth),
            truth=truth,
            fit_rows=fit_rows(result),
            minima=other_minima(result),
            scale=result.settings.objective.scale,
            quality_rows=quality_rows(result),
            registration_rows=registration_rows(result.registration),
            registration_sentence=registration_sentence(result.registration),
            methods=methods(result),
            settings_text=json.dumps(result.settings.model_dump(mode="json"), indent=2),
        )
    )
