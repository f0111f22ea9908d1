"""Check one patient's file and images, and derive the regions of the tumour."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.layout import Layout
    from gbm.steps.check import run

    files = Layout(Path(snakemake.params.root), snakemake.wildcards.patient)
    run(Path(snakemake.input.file), snakemake.config, files)
