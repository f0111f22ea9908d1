"""What the rules of the experiments need to know: runs, their words, the code behind them."""

from benchmarks import experiments
from benchmarks import plan as runs

PROFILE_OF = {"": "quick", "_full": "full"}


def planned(wildcards):
    """Files of all runs behind a table."""
    return runs.files(
        wildcards.experiment, PROFILE_OF[wildcards.suffix], f"{ROOT}/benchmarks"
    )


def run_code(wildcards):
    """Hash of the code behind a run."""
    return source_hash(*runs.modules(wildcards.experiment, wildcards.method))


def table_code(wildcards):
    """Hash of the code behind a table and its figures."""
    return source_hash("benchmarks.pages.table", *runs.drawn(wildcards.experiment))


def run_words(wildcards):
    """Words of the command line that make a run."""
    return runs.words(wildcards.experiment, wildcards.method, wildcards.setting)
