"""Check one patient's file and images."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.files import write_json
    from gbm.steps.check import check_patient

    report = check_patient(Path(snakemake.input.file), snakemake.config)
    for warning in report.warnings:
        print(f"warning: {warning}")
    write_json(Path(snakemake.output[0]), report)
