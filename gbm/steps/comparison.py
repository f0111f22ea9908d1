"""Gather the comparison of one patient: the networks that its main job does not need."""

from __future__ import annotations

from gbm.config.fit_names import compared
from gbm.domain.domain import load_domain
from gbm.io.files import read_sealed, write_sealed, write_text
from gbm.io.job import Job
from gbm.judging.comparison import compare
from gbm.judging.verified_fit import VerifiedFit
from gbm.results.metrics_table import metric_rows, metrics_tsv, network_scores
from gbm.results.references import DirectReference, placed


def run(job: Job) -> None:
    """Gather the networks of the comparison, each beside the direct fit with its origin.

    Written: `desc-comparison_params.json` (`gbm.results.comparison.Comparison`) and
    `desc-comparison_metrics.tsv`. No file of the main job is touched.

    Raises
    ------
    InputError
        If a fit has no verification.
    """
    files, domain = job.files, load_domain(job.files.domain)
    scale = job.settings.objective.scale
    records = {
        "inferred": read_sealed(files.baselines)["direct_fdm"],
        "fixed": read_sealed(files.direct_fixed),
    }
    references = {
        origin: DirectReference.model_validate(placed(record, domain))
        for origin, record in records.items()
    }
    fits = {
        spec.name: VerifiedFit.read(files, spec.name, references[spec.origin], scale)
        for spec in compared(job.settings)
    }
    found = compare(domain, fits, references["fixed"], job.settings)
    scores = {
        model: score
        for kind, entry in found.models().items()
        for model, score in network_scores(kind, fits[entry.name].verification).items()
    }
    write_sealed(files.comparison, found.model_dump(mode="json"))
    write_text(files.comparison_metrics, metrics_tsv(metric_rows(scores, domain.dimensions)))
