"""Fit one patient with one network."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.fit import run

    run(
        domain=Path(snakemake.input.domain),
        characteristic=Path(snakemake.input.characteristic),
        baselines=Path(snakemake.input.baselines),
        name=snakemake.wildcards.fit,
        settings=Settings.model_validate(snakemake.params.settings),
        record=Path(snakemake.output.json),
        fields=Path(snakemake.output.npz),
        checkpoint=Path(snakemake.params.checkpoint),
        threads=snakemake.threads,
    )
