"""Write one patient's report."""

from __future__ import annotations

from gbm.domain.domain import load_domain
from gbm.imaging.labels import load_regions
from gbm.io.files import write_text
from gbm.io.job import Job
from gbm.report.fields import read_fields
from gbm.report.figures.style import look, svg
from gbm.report.patient_figures import draw
from gbm.report.patient_page import render_patient
from gbm.report.viewer import scene
from gbm.report.volumes import read_anatomy
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import read_result
from gbm.results.truth import read_truth


def run(job: Job) -> None:
    """Write the page of a patient and, beside it, its figures, one SVG each.

    The truth of the demo patient is shown beside the estimates.
    """
    files, result = job.files, read_result(job.files.params)
    measured, domain = read_metrics(files.metrics), load_domain(files.domain)
    truth = read_truth(files.truth, result.inputs)
    fields, regions = read_fields(result, files), load_regions(files.regions)
    anatomy = read_anatomy(job, regions, domain.dimensions)
    with look():
        drawn = draw(result, measured, domain, fields, anatomy, truth)
        pictures = {name: svg(figure) for name, figure in drawn.items()}
    for name, text in pictures.items():
        write_text(files.figures / f"{name}.svg", text)
    views = scene(domain, anatomy, result.thresholds.levels(), result.x0_mm)
    page = render_patient(result, measured, domain, pictures, views, truth, anatomy.plans)
    write_text(files.page, page)
