"""Write the page of the comparison."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.cohort_layout import CohortLayout
    from gbm.io.made_from import noted
    from gbm.steps.comparison_page import run

    files = CohortLayout(Path(snakemake.output.html).parent)
    with noted(files.note("comparison_page"), snakemake.params, snakemake.output, snakemake.input):
        run(files, snakemake.params.patients)
