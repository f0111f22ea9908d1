"""From patient files to verified growth parameters, and the experiments of the paper.

snakemake --cores all                                       the patients of config.yaml
snakemake --cores all --config patients='cohort/*.yaml'     other patients
snakemake --cores all compare                               other networks beside the patients' results
snakemake --cores all benchmarks                            the experiments
"""

import shlex

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.19")

if set("{}<>") & set(str(workflow.basedir)):
    raise WorkflowError(
        f"error: {workflow.basedir}: < > {{ }} cannot stand in this path"
    )


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/events.smk"


if IN_CLONE:
    # Snakemake removes PYTHONPATH from conda environments; the packages live beside this file.
    shell.prefix(f"export PYTHONPATH={shlex.quote(str(workflow.basedir))}; ")


pathvars:
    benchmarks=f"{ROOT}/benchmarks",


wildcard_constraints:
    patient="[A-Za-z0-9]+",
    fit=FIT_NAMES,


rule all:
    default_target: True
    input:
        COHORT.deliverables,
        [COHORT.of(key).deliverables for key in PATIENTS],
        asked_intervals,
        asked_plans,
        asked_comparisons,
    message:
        "All that was asked for is there"


rule compare:
    input:
        COHORT.deliverables,
        [COHORT.of(key).deliverables for key in PATIENTS],
        asked_intervals,
        asked_plans,
        COHORT.comparison,
    message:
        "All that was asked for is there, and the comparison"


include: "workflow/rules/demo.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/recovery.smk"
include: "workflow/rules/imaging.smk"
include: "workflow/rules/growth.smk"
include: "workflow/rules/plans.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/comparison.smk"


if IN_CLONE:

    include: "workflow/rules/benchmarks.smk"


onstart:
    # One bad patient must not stop the others, whoever types the command: as --keep-going does.
    workflow.scheduler.keepgoing = True


onerror:
    write_pages_after_failure()
    if IN_CLONE:
        write_results_after_failure()
