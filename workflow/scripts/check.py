"""Check one patient's file and images."""

from pathlib import Path

from gbm.step import step

with step(snakemake.log[0]):
    from gbm.check import check_patient
    from gbm.files import write_json

    report = check_patient(Path(snakemake.input.file), snakemake.config)
    for warning in report.warnings:
        print(f"warning: {warning}")
    write_json(Path(snakemake.output[0]), report)
