"""Verify one fit of one patient by finite volumes."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.verify import run

    run(
        domain=Path(snakemake.input.domain),
        fit=Path(snakemake.input.json),
        arrays=Path(snakemake.input.npz),
        settings=Settings.model_validate(snakemake.params.settings),
        record=Path(snakemake.output.json),
        fields=Path(snakemake.output.npz),
    )
