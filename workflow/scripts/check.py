"""Check one patient's file and images, and derive the regions of the tumour."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.errors import InputError
    from gbm.io.layout import Layout
    from gbm.io.made_from import noted
    from gbm.steps.check import run

    if fault := snakemake.params.fault:
        where = {"file": Path(fault["file"]), "key": fault["key"]}
        raise InputError(fault["message"], given=fault["given"], **where)
    files = Layout(Path(snakemake.params.root), snakemake.wildcards.patient)
    with noted(files.note("check"), snakemake.params, snakemake.output, snakemake.input):
        run(Path(snakemake.params.file), snakemake.config, files)
