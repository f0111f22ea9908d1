"""What the rules of the experiments need to know: runs, their words, the code behind them."""

from functools import partial

from benchmarks import experiments
from benchmarks import plan as runs
from benchmarks.runs.parts import PARTS

PROFILE_OF = {"": "quick", "_full": "full"}


RESULTS = {"results": None} | {f"results_{part}": part for part in PARTS}
"""Targets of the page of results, and the part of its runs that each makes; None: all."""
KEEP_AND_SHOW = f"python -m benchmarks keep --new {ROOT}/benchmarks/runs && python -m benchmarks page"


def planned(wildcards):
    """Files of all runs behind a table."""
    return runs.files(
        wildcards.experiment, PROFILE_OF[wildcards.suffix], f"{ROOT}/benchmarks"
    )


def run_code(wildcards):
    """Hash of the code behind a run."""
    return runs.code_behind(wildcards.experiment, wildcards.method, wildcards.setting)


def table_code(wildcards):
    """Hash of the code behind a table and its figures."""
    return source_hash("benchmarks.pages.table", *runs.drawn(wildcards.experiment))


def run_words(wildcards):
    """Words of the command line that make a run."""
    return runs.words(wildcards.experiment, wildcards.method, wildcards.setting)


def missing_runs(part, wildcards):
    """Files of the runs behind the page of results that are not kept by the code of now."""
    return runs.missing(part, f"{ROOT}/benchmarks/runs")


def write_results_after_failure():
    """The page of results takes the runs that are there, although others failed."""
    asked = {rule.name for rule in workflow.dag.targetrules}
    if asked & set(RESULTS):
        shell(KEEP_AND_SHOW)


def run_priority(wildcards):
    """The parts of the page of results in their order."""
    return runs.priority(wildcards.experiment, wildcards.method, wildcards.setting)
