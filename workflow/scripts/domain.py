"""The two-dimensional problem of one patient, and its quality."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.domain import run

    records = [f for f in snakemake.input.get("registration", []) if f.endswith(".json")]
    run(
        file=Path(snakemake.input.file),
        settings=Settings.model_validate(snakemake.params.settings),
        **{name: Path(snakemake.input[name]) for name in ("wm", "gm", "csf")},
        tissue=Path(snakemake.input.qc),
        registration=Path(records[0]) if records else None,
        domain=Path(snakemake.output.domain),
        quality=Path(snakemake.output.quality),
    )
