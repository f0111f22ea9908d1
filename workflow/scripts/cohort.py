"""Write the cohort page and tables."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.layout import CohortLayout
    from gbm.steps.cohort import run

    patients = {key: Path(file) for key, file in snakemake.params.patients.items()}
    run(CohortLayout(Path(snakemake.output.html).parent), patients)
