"""Gather what the steps took."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.steps.costs import run

    run([Path(folder) for folder in snakemake.params.folders], Path(snakemake.output[0]))
