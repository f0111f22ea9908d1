"""Write the cohort page and tables."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.cohort_layout import CohortLayout
    from gbm.io.made_from import noted
    from gbm.steps.cohort import run

    files = CohortLayout(Path(snakemake.output.html).parent)
    patients = {key: Path(file) for key, file in snakemake.params.patients.items()}
    with noted(files.note("cohort"), snakemake.params, snakemake.output, snakemake.input):
        run(files, patients, snakemake.params.plans)
