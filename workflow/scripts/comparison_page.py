"""Write the page of the comparison."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.layout import CohortLayout
    from gbm.steps.comparison_page import run

    run(CohortLayout(Path(snakemake.output.html).parent), snakemake.params.patients)
