"""Write the cohort page and tables."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.steps.cohort import run

    run(
        results=Path(snakemake.output.html).parent,
        patients={key: Path(file) for key, file in snakemake.params.patients.items()},
        logs=Path(snakemake.log[0]).parent,
    )
