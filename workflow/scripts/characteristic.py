"""Characteristic growth parameters of one patient."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.characteristic import run

    run(
        domain=Path(snakemake.input.domain),
        settings=Settings.model_validate(snakemake.params.settings),
        record=Path(snakemake.output[0]),
    )
