"""Run a step of one patient: the rule's name is that of the module in `gbm.steps`."""

from importlib import import_module
from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.job import Job
    from gbm.io.layout import Layout
    from gbm.io.made_from import noted

    files = Layout(Path(snakemake.params.root), snakemake.wildcards.patient)
    file, settings = snakemake.params.get("file"), snakemake.params.get("settings", {})
    job = Job.of(file, settings, files, snakemake.threads)
    run = import_module(f"gbm.steps.{snakemake.rule}").run
    fit = snakemake.wildcards.get("fit")
    note = files.note(Path(snakemake.log[0]).stem)
    with noted(note, snakemake.params, snakemake.output, snakemake.input):
        run(job, *([] if fit is None else [fit]))
