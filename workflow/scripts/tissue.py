"""Tissue maps of one patient."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.tissue import run

    files = map(Path, snakemake.input.get("registration", []))
    run(
        file=Path(snakemake.input.file),
        settings=Settings.model_validate(snakemake.params.settings),
        registration={file.name.split(".")[0]: file for file in files},
        **{name: Path(snakemake.output[name]) for name in ("wm", "gm", "csf")},
        record=Path(snakemake.output.qc),
    )
