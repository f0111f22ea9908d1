"""Write one patient's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gbm.config.patient import Patient
from gbm.domain.domain import load_domain
from gbm.io.files import read_json, write_text
from gbm.report.figures.style import look, svg
from gbm.report.patient_figures import draw, read_fields
from gbm.report.patient_page import render_patient
from gbm.report.viewer import scene
from gbm.report.volumes import read_anatomy
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import read_result
from gbm.results.truth import read_truth


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
        See `gbm.report.volumes.read_anatomy`.
    page : Path
        Written: the self-contained HTML file.
    figures : Path
        Folder of the figures, one SVG each.
    truth : Path, optional
        Truth of a phantom, to be shown beside the estimates.
    """
    result, measured, problem = read_result(params), read_metrics(metrics), load_domain(domain)
    record = next(path for path in fits if path.stem == result.headline)
    history = read_json(record)["history"]
    fields = read_fields(result, arrays, verifications)
    known = None if truth is None else read_truth(truth)
    anatomy = read_anatomy(patient, tissue=tissue, density=density, registration=registration)
    with look():
        drawn = draw(result, measured, problem, history, fields, anatomy, known)
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
        focus=result.x0_mm,
    )
    write_text(page, render_patient(result, measured, problem, pictures, views, known))
